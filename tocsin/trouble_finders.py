"""Who knows of what does not go well, and when it is said: one finder for each kind of trouble."""

from collections.abc import Callable, Iterable, Mapping
from shlex import quote
from typing import NamedTuple

from eventbus.contract import DependencyRef
from eventbus.event import Road
from eventbus.firing import TriggerRef
from manifests.objects import ObjectRef
from sensors.erring import Erring, Slow, Streak
from sensors.lanes import Hanging
from sensors.triggers.certificates import Certificates
from tocsin.metrics import Metrics, TriggerSeries
from tocsin.objects import ObjectState
from tocsin.sharing import Sharing
from tocsin.trouble import Finder, Trouble

FAILED_IN_A_ROW = 5
"""So many attempts of one trigger in a row, without a success in between, are its target's or its declaration's fault."""
FAILS_FOR_US = 3600 * 1_000_000
"""A trigger that failed is named until it was not tried for so long, as long as two attempts are ever apart; microseconds."""
HANGS_S = 10.0
"""An attempt under way for longer, while none of its trigger succeeds, is named; seconds."""
SLOW_TIMES = 5
"""A rule is named as slow when it was so often; less may be a busy machine."""
SLOW_FOR_US = 60_000_000
"""A rule that was slow is named until it was not for so long; microseconds."""
ASIDE_FOR_US = 24 * 3600 * 1_000_000
"""An event that was set aside is named for so long after it was received; microseconds."""


class Aside(NamedTuple):
    """An event that was set aside undecided."""

    road: Road
    id: str
    received_us: int
    reason: str


def of_events_set_aside(events: Iterable[Aside], now_us: int) -> Iterable[Trouble]:
    """Finds events that were set aside of late; what was set aside is read beforehand, so this is no `Finder`."""
    for road, id_, received_us, reason in events:
        if now_us - received_us < ASIDE_FOR_US:
            yield Trouble(
                _source(road), f"event {road.name}", "set-aside", f"{id_} was set aside undecided: {reason}", received_us,
                "the rest is decided; mend the rule that looks at it, and report what ended the process",
            )  # fmt: skip


def of_rules(erring: Erring) -> Finder:
    """Finds rules that do nothing but fail, and rules that take long."""

    def find(now_us: int) -> Iterable[Trouble]:
        for ref, streak in erring.failing().items():
            yield _errs(_sensor(ref), ref.dependency, streak)
        for ref, slow in erring.slow.items():
            if slow.count >= SLOW_TIMES and now_us - slow.last_us < SLOW_FOR_US:
                yield _slow(_sensor(ref), ref.dependency, slow)

    return find


def _errs(ref: ObjectRef, dependency: str, streak: Streak) -> Trouble:
    reason = f"its rule failed on each of the last {streak.count} events: {streak.reason}"
    return Trouble(
        ref,
        f"dependency {dependency}",
        "errs",
        reason,
        streak.since_us,
        f"mend the filter; `tocsin explain EVENT {ref.name}` shows it",
    )


def _slow(ref: ObjectRef, dependency: str, slow: Slow) -> Trouble:
    reason = (
        f"its rule took up to {1000 * slow.longest_s:.0f} ms for one event, {slow.count} times; later events wait to be decided"
    )
    return Trouble(
        ref,
        f"dependency {dependency}",
        "slow",
        reason,
        slow.since_us,
        "narrow it by a plain path first, or make its query or script smaller",
    )


def of_sources(states: Callable[[], Iterable[ObjectState]], look: Callable[[], None] = lambda: None) -> Finder:
    """Finds event sources that run while something about them does not go well; `look` lets them look first."""

    def find(now_us: int) -> Iterable[Trouble]:
        look()
        for state in states():
            for name, event in state.events.items():
                if event.running and event.message:
                    yield Trouble(state.ref, f"event {name}", "unwell", event.message, event.since_us or now_us, "")

    return find


def of_certificates(certificates: Certificates, declared: Callable[[TriggerRef], bool]) -> Finder:
    """Finds triggers whose newest certificates cannot be used."""

    def find(now_us: int) -> Iterable[Trouble]:
        for kept in certificates.problems():
            if declared(kept.ref):
                yield Trouble(
                    _sensor(kept.ref),
                    f"trigger {kept.ref.trigger}",
                    "certificates",
                    f"the newest certificates cannot be used, those of before are: {kept.problem}",
                    kept.since_us,
                    "put the files right, or both parts of a pair in place",
                )

    return find


def of_floods(sharing: Sharing) -> Finder:
    """Finds event sources that send more than their share while others send, too."""

    def find(now_us: int) -> Iterable[Trouble]:
        for (namespace, name), lasted_s, held, rate in sharing.flooding():
            reason = f"{rate:.0f} events a second are more than its share; {held} had to wait for their turn"
            ref, since_us = ObjectRef("EventSource", namespace, name), now_us - round(lasted_s * 1e6)
            hint = f"see to its sender; `tocsin sources pause {name}` holds it, with --drop for good"
            yield Trouble(ref, "intake", "floods", reason, since_us, hint)

    return find


def of_targets(metrics: Metrics, hanging: Callable[[float], Mapping[TriggerRef, Hanging]]) -> Finder:
    """Finds triggers whose attempts hang or do nothing but fail."""

    def find(now_us: int) -> Iterable[Trouble]:
        for ref, series in metrics.triggers.items():
            if series.failed_in_a_row >= FAILED_IN_A_ROW and now_us - series.failed_us < FAILS_FOR_US:
                yield _fails(ref, series)
        for ref, hangs in hanging(HANGS_S).items():
            declared = metrics.triggers.get(ref)
            if declared is not None and declared.succeeded_us < now_us - hangs.oldest_s * 1e6:
                yield _hangs(ref, hangs, now_us)

    return find


def _fails(ref: TriggerRef, series: TriggerSeries) -> Trouble:
    reason = f"the last {series.failed_in_a_row} attempts failed, the last of them: {series.reason}"
    # Where names repeat, those of other namespaces stay as they are.
    where = "" if ref.namespace == "default" else f" --namespace {quote(ref.namespace)}"
    chosen = f"--sensor {quote(ref.sensor)} --trigger {quote(ref.trigger)}"
    hint = f"see to its target, then `tocsin dead-letters redrive{where} {chosen}`"
    return Trouble(_sensor(ref), f"trigger {ref.trigger}", "fails", reason, series.failing_since_us, hint)


def _hangs(ref: TriggerRef, hangs: Hanging, now_us: int) -> Trouble:
    many = f"{hangs.running} attempts get no answer, the first of them" if hangs.running > 1 else "1 attempt gets no answer"
    reason = f"{many} for {hangs.oldest_s:.0f}s{', and more firings wait behind them' if hangs.waiting else ''}"
    hint = "see to its target; a shorter timeout or a lower concurrency of the trigger frees its places sooner"
    return Trouble(_sensor(ref), f"trigger {ref.trigger}", "hangs", reason, now_us - round(hangs.oldest_s * 1e6), hint)


def _sensor(ref: TriggerRef | DependencyRef) -> ObjectRef:
    return ObjectRef("Sensor", ref.namespace, ref.sensor)


def _source(road: Road) -> ObjectRef:
    return ObjectRef("EventSource", road.namespace, road.source)
