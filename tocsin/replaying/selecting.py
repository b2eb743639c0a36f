"""From what a person asked for to positions of the log and revisions that decide."""

from collections.abc import Sequence
from typing import NamedTuple

from eventbus.event import Recorded
from eventbus.journal import Declared, Journal
from tocsin.queries import Conflict, NotFound, QueryError, data_gone, find_event, parse_time
from tocsin.replaying.record import Asked, Pin, Replay


class Selection(NamedTuple):
    """A stretch of the log and what decides it."""

    first: int
    last: int
    after_us: int | None
    before_us: int | None
    pins: Sequence[Pin]
    undecided: int
    """Events of the stretch that live deciding has not come to yet: they are left to it."""


async def select(journal: Journal, asked: Asked) -> Selection:
    """Find the stretch and the revisions. Raises `QueryError` where nothing can be meant by it."""
    after_us, before_us = _moment(asked.after, "from"), _moment(asked.before, "to")
    if asked.event is not None:
        if asked.after or asked.before:
            raise QueryError("name an event or a span of time, not both")
        recorded = await find_event(journal, asked.event)
        if recorded.event.forgotten is not None:
            raise Conflict(f"event {asked.event!r} cannot be replayed: {await data_gone(journal)}")
        first = last = recorded.position
    elif after_us is None:
        raise QueryError("name an event, or a span of time by `from` and `to`")
    elif before_us is not None and before_us <= after_us:
        raise QueryError(f"to: {asked.before} is not later than {asked.after}")
    else:
        first, last = await journal.stretch(after_us, before_us)
    tallies = await journal.tallies()
    decided = min(last, tallies.last_position - tallies.undecided)
    if asked.event is not None and decided < last:
        raise Conflict(f"event {asked.event!r} is not decided yet: replay it when it is, or let it be decided")
    pins = await _pins(journal, asked, first, decided)
    return Selection(first, decided, after_us, before_us, pins, last - decided)


def in_time(span: Selection | Replay, recorded: Recorded) -> bool:
    """Whether an event of the stretch was received in the span that was asked for: a clock that stepped back mixes times."""
    after_us, before_us = span.after_us, span.before_us
    return (after_us is None or recorded.received_us >= after_us) and (before_us is None or recorded.received_us < before_us)


async def _pins(journal: Journal, asked: Asked, first: int, last: int) -> list[Pin]:
    declared = await journal.in_force(*((first, max(first, last)) if asked.as_decided else (None,)))
    wanted = [one for one in declared if _wanted(one, asked.sensor)]
    if asked.sensor is not None and not wanted:
        when = "when these events came in" if asked.as_decided else "now"
        raise NotFound(f"no sensor {asked.sensor!r} is in force {when}; `tocsin sensors` lists those that run")
    names = {one.ref for one in wanted}
    if asked.sensor is not None and len(names) > 1:
        raise QueryError(f"several namespaces have a sensor {asked.sensor!r}; name it as namespace/name")
    if asked.as_decided:
        return [Pin(one.ref, one.revision, one.since, last if one.until is None else one.until) for one in wanted]
    return [Pin(one.ref, one.revision, 0, last) for one in wanted]


def _wanted(declared: Declared, sensor: str | None) -> bool:
    kind, namespace, name = declared.ref.split("/", 2)
    return kind == "Sensor" and sensor in (None, name, f"{namespace}/{name}")


def _moment(text: str | None, name: str) -> int | None:
    if not text:
        return None
    try:
        return int(parse_time(text).timestamp() * 1_000_000)
    except ValueError as exc:
        raise QueryError(f"{name}: {exc}") from None
