"""What does not go well beside its neighbours: which part of which object, since when, why, and what to do about it.

Nothing here changes what runs: a bad neighbour is bounded where it works, and named here.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import structlog

from eventbus.contract import DependencyRef
from eventbus.errors import BusDamaged, BusError
from eventbus.event import Road
from eventbus.firing import TriggerRef
from eventbus.journal import Journal
from manifests.objects import ObjectRef
from sensors.erring import Erring, Slow, Streak
from sensors.lanes import Hanging
from sensors.triggers.certificates import Certificates
from tocsin.metrics import Metrics, TriggerSeries
from tocsin.objects import ObjectState, State
from tocsin.sharing import Sharing
from tocsin.views import Json, when

logger = structlog.get_logger()

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
MOST_ASIDE = 100
"""Events set aside that are looked at; the newest."""
LOOK_EVERY_S = 5.0
DAMAGED_HINT = "it is left out, the rest is served; check the disk, and restore the data folder from a backup to have it back"


class Trouble(NamedTuple):
    """One thing that does not go well."""

    ref: ObjectRef
    part: str
    """Which part of it, such as `trigger call`."""
    what: str
    """One word: hangs, fails, errs, slow, floods, set-aside, certificates, unwell, left."""
    reason: str
    since_us: int
    hint: str
    """What to do."""

    @property
    def text(self) -> str:
        """In one line."""
        return f"{self.part}: {self.reason}; {self.hint}" if self.hint else f"{self.part}: {self.reason}"


def trouble_view(trouble: Trouble) -> Json:
    """A trouble as JSON."""
    return {
        "part": trouble.part,
        "what": trouble.what,
        "reason": trouble.reason,
        "since": when(trouble.since_us),
        "hint": trouble.hint,
    }


def degraded_view(trouble: Trouble) -> Json:
    """A trouble as `/readyz` names it."""
    view = {"name": str(trouble.ref), "state": State.DEGRADED.value, "reason": f"{trouble.part}: {trouble.reason}"}
    return view | {"since": when(trouble.since_us), "hint": trouble.hint}


def with_troubles(view: Json, troubles: Sequence[Trouble]) -> Json:
    """`view` of an object with its troubles: one that runs is degraded by them."""
    view["troubles"] = [trouble_view(trouble) for trouble in troubles]
    if troubles and view["state"] == State.RUNNING.value:
        view |= {"state": State.DEGRADED.value, "message": troubles[0].text}
    return view


class Aside(NamedTuple):
    """An event that was set aside undecided."""

    road: Road
    id: str
    received_us: int
    reason: str


Finder = Callable[[int], Iterable[Trouble]]
"""Gives what does not go well at a time, microseconds since 1970 UTC."""


class Troubles:
    """Asks everyone who knows of a trouble. Holds no state but the events set aside, read now and then."""

    name = "troubles"

    def __init__(self, finders: Sequence[Finder], journal: Journal) -> None:
        self._finders, self._journal = finders, journal
        self._aside: Sequence[Aside] = ()
        self.damaged: Sequence[str] = ()
        """What of the store is damaged, and so is not served."""
        self._said: dict[tuple[ObjectRef, str, str], Trouble] = {}
        self._stopping = asyncio.Event()
        self.ready = asyncio.Event()

    def now(self) -> dict[ObjectRef, list[Trouble]]:
        """What does not go well now, by object; what began first comes first."""
        now_us = time.time_ns() // 1000
        found: dict[ObjectRef, list[Trouble]] = {}
        all_ = [trouble for finder in self._finders for trouble in finder(now_us)] + list(_aside(self._aside, now_us))
        for trouble in sorted(all_, key=lambda trouble: trouble.since_us):
            found.setdefault(trouble.ref, []).append(trouble)
        return found

    def counts(self, refs: Iterable[ObjectRef]) -> dict[ObjectRef, int]:
        """How many each of `refs` has."""
        found = self.now()
        return {ref: len(found.get(ref, ())) for ref in refs}

    async def run(self) -> None:
        """Look every few seconds, and say what began and what is over, until `stop`."""
        await self.look()
        self.ready.set()
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._stopping.wait()
            except TimeoutError:
                await self.look()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    async def look(self) -> None:
        """Read what was set aside, and say what changed since the last look."""
        await self._read_aside()
        present = {(one.ref, one.part, one.what): one for some in self.now().values() for one in some}
        for key, trouble in present.items():
            if key not in self._said:
                logger.warning("trouble", **_fields(trouble), reason=trouble.reason, hint=trouble.hint)
        for key, trouble in self._said.items():
            if key not in present:
                lasted_s = round(time.time() - trouble.since_us / 1e6, 1)
                logger.info("trouble_over", **_fields(trouble), lasted_s=lasted_s)
        self._said = present

    async def _read_aside(self) -> None:
        """Read what was set aside, and what cannot be read any more. Without an answer of the store, what it gave last stands."""
        found: list[Aside] = []
        damaged: list[str] = []
        try:
            for position, reason in (await self._journal.quarantined())[-MOST_ASIDE:]:
                try:
                    recorded = await self._journal.known(position)
                except BusDamaged:
                    damaged.append(reason)
                    continue
                if recorded is not None:
                    found.append(Aside(recorded.event.road, recorded.event.id, recorded.received_us, reason))
        except BusError as exc:
            logger.warning("troubles_not_read", reason=str(exc))
            return
        for reason in damaged:
            if reason not in self.damaged:
                logger.error("store_damaged", reason=reason, hint=DAMAGED_HINT)
        self._aside, self.damaged = found, damaged


def _fields(trouble: Trouble) -> Mapping[str, str]:
    return {"object": str(trouble.ref), "part": trouble.part, "what": trouble.what}


def _aside(events: Iterable[Aside], now_us: int) -> Iterable[Trouble]:
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
    reason = f"its rule took up to {1000 * slow.longest_s:.0f} ms for one event, {slow.count} times; others wait meanwhile"
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
    hint = f"see to its target, then `tocsin dead-letters redrive --sensor {ref.sensor} --trigger {ref.trigger}`"
    return Trouble(_sensor(ref), f"trigger {ref.trigger}", "fails", reason, series.failing_since_us, hint)


def _hangs(ref: TriggerRef, hangs: Hanging, now_us: int) -> Trouble:
    reason = (
        f"{hangs.running} attempts get no answer, the first of them for {hangs.oldest_s:.0f}s, and more firings wait behind them"
    )
    if not hangs.waiting:
        reason = reason.removesuffix(", and more firings wait behind them")
    hint = "see to its target; a shorter timeout or a lower concurrency of the trigger frees its places sooner"
    return Trouble(_sensor(ref), f"trigger {ref.trigger}", "hangs", reason, now_us - round(hangs.oldest_s * 1e6), hint)


def _sensor(ref: TriggerRef | DependencyRef) -> ObjectRef:
    return ObjectRef("Sensor", ref.namespace, ref.sensor)


def _source(road: Road) -> ObjectRef:
    return ObjectRef("EventSource", road.namespace, road.source)
