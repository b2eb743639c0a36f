"""How one expected firing differs from one that was seen, part by part."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from manifests.scenario_fields import ExpectedFiring
from manifests.scenario_times import Moment
from manifests.words import path_text
from tocsin.scenarios.seen import Seen, span, spans

ABSENT = "nothing there"
"""Stands for a part that is not there."""


class Difference(NamedTuple):
    """One part that is not as expected; both sides as JSON."""

    path: str
    expected: Any
    seen: Any


def differences(expected: ExpectedFiring, seen: Seen, start_us: int) -> list[Difference]:
    """How `seen` differs; empty where it is what was expected. The trigger itself is not compared."""
    return list(_differences(expected, seen, start_us))


def _differences(expected: ExpectedFiring, seen: Seen, start_us: int) -> Iterator[Difference]:
    if expected.events is not None and sorted(set(expected.events)) != list(seen.events):
        yield Difference("events", expected.events, list(seen.events))
    if expected.outcome is not None and expected.outcome != seen.outcome:
        yield Difference("outcome", expected.outcome, seen.outcome)
    if expected.attempts is not None and expected.attempts != len(seen.attempts):
        yield Difference("attempts", expected.attempts, len(seen.attempts))
    yield from _times(expected, seen, start_us)
    if expected.reason is not None and expected.reason not in seen.reason:
        yield Difference("reason", expected.reason, seen.reason or ABSENT)
    if expected.compares_request:
        yield from _parts(expected.request, seen.request, ("request",), whole=expected.exactly)


def _times(expected: ExpectedFiring, seen: Seen, start_us: int) -> Iterator[Difference]:
    if expected.at is not None and _off(expected.at, seen.at_us, expected.within, start_us):
        yield Difference("at", expected.at.text, span(seen.at_us))
    if expected.ended is not None and (seen.ended_us is None or _off(expected.ended, seen.ended_us, expected.within, start_us)):
        yield Difference("ended", expected.ended.text, ABSENT if seen.ended_us is None else span(seen.ended_us))
    if expected.tried is not None:
        tried, found = expected.tried, seen.tried_us
        if len(tried) != len(found) or any(
            _off(one, us, expected.within, start_us) for one, us in zip(tried, found, strict=True)
        ):
            yield Difference("tried", [one.text for one in tried], spans(found))


def _off(expected: Moment, seen_us: int, within: timedelta, start_us: int) -> bool:
    return abs(moment_us(expected, start_us) - seen_us) > within / timedelta(microseconds=1)


def moment_us(moment: Moment, start_us: int) -> int:
    """Microseconds after the start."""
    if moment.time is not None:
        return round(moment.time.timestamp() * 1e6) - start_us
    return (moment.after or timedelta(0)) // timedelta(microseconds=1)


def _parts(expected: Any, seen: Any, path: tuple[str | int, ...], *, whole: bool) -> Iterator[Difference]:
    """Where `seen` is not `expected`. A mapping may have more keys than expected unless `whole`; a list is compared whole."""
    if isinstance(expected, Mapping) and isinstance(seen, Mapping):
        for key, value in expected.items():
            if key in seen:
                yield from _parts(value, seen[key], (*path, key), whole=whole)
            else:
                yield Difference(path_text((*path, key)), value, ABSENT)
        for key in seen.keys() - expected.keys() if whole else ():
            yield Difference(path_text((*path, key)), ABSENT, seen[key])
    elif _is_list(expected) and _is_list(seen) and len(expected) == len(seen):
        for index, (one, other) in enumerate(zip(expected, seen, strict=True)):
            yield from _parts(one, other, (*path, index), whole=whole)
    elif not _same(expected, seen):
        yield Difference(path_text(path), expected, ABSENT if seen is None and expected is not None else seen)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _same(one: Any, other: Any) -> bool:
    """JSON's own equality: true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
