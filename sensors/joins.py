"""Partial matches of conditions that join dependencies: what has come, and what completes it.

State is kept for each trigger: the latest event of each dependency. It changes in the same step as the firings that it leads
to, so what was committed is exactly what was decided. Nothing here reads a clock: a reset counts for what was received
before it once something received after it comes, however long the service was down in between.

Semantics: Argo Events' JetStream bus, `trigger_conn.go`: an event that completes the condition fires with everything that has
come, and the round starts anew; until then the latest event of a dependency replaces the one before.
"""

from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from eventbus.contract import StateChange
from eventbus.event import Identity
from eventbus.firing import Cause, TriggerRef
from manifests.conditions import Condition, ConditionError
from manifests.objects import Dependency
from manifests.revision import revision_of

PREFIX = "join/"
"""Of the keys of the records that hold what has come."""


class Member(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The latest event of one dependency."""

    dependency: str
    definition: str
    """Hash of the dependency's declaration: under another one it is another dependency."""
    position: int
    received_us: int
    source: str
    name: str
    id: str
    correlation: str
    hops: int
    order: str | None
    """What the trigger's `orderBy` found in it."""

    def cause(self, namespace: str) -> Cause:
        """As a cause of a firing."""
        return Cause(self.dependency, self.position, Identity(namespace, self.source, self.name, self.id))


class Pending(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What has come for one trigger since it last fired."""

    conditions: str
    """The condition that waits, as it is understood; under another one the round starts anew."""
    members: tuple[Member, ...]


class Reset(Protocol):
    """When partial matches are forgotten."""

    def latest(self, moment_us: int) -> int | None:
        """The last reset at or before `moment_us`, microseconds since 1970 UTC; None where there was none."""


class JoinedCondition:
    """A condition that may need several events."""

    __slots__ = ("_condition", "key")

    def __init__(self, condition: Condition) -> None:
        self._condition = condition
        self.key = str(condition)
        """The condition as it is understood, however it is written."""

    def holds(self, present: Container[str]) -> bool:
        """Whether the dependencies in `present` are enough."""
        return self._condition.holds(present)

    def missing(self, present: Collection[str]) -> tuple[tuple[str, ...], ...]:
        """What would complete it, each a set of dependencies, the smallest first. Empty where there are too many ways."""
        try:
            sets = self._condition.alternatives
        except ConditionError:
            return ()
        left = {tuple(sorted(names - set(present))) for names in sets}
        return tuple(sorted(left, key=lambda names: (len(names), names)))


def key_of(trigger: TriggerRef) -> str:
    """The key of a trigger's record."""
    return PREFIX + "/".join(part.replace("%", "%25").replace("/", "%2F") for part in trigger)


def trigger_of(key: str) -> TriggerRef:
    """The trigger that a key is of."""
    parts = key.removeprefix(PREFIX).split("/")
    return TriggerRef(*(part.replace("%2F", "/").replace("%25", "%") for part in parts))


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Pending)


def decode(value: bytes) -> Pending:
    """Read a record. Raises `msgspec.DecodeError` where it is none."""
    return _decoder.decode(value)


class Joins:
    """All partial matches. It is told what matched, in the order of the log."""

    def __init__(self, records: Iterable[tuple[str, bytes]] = ()) -> None:
        """`records` are those that were committed last."""
        self._pending: dict[TriggerRef, Pending] = {trigger_of(key): decode(value) for key, value in records}
        self._let_go: set[int] = set()

    def pending(self, trigger: TriggerRef) -> Pending | None:
        """What has come for `trigger`; None where nothing has."""
        return self._pending.get(trigger)

    def open(self) -> Mapping[TriggerRef, Pending]:
        """All that has come, by trigger."""
        return self._pending

    def split(self, namespace: str, sensor: str) -> "Joins":
        """Give away what has come for the triggers of one sensor."""
        alone = Joins()
        for trigger in [one for one in self._pending if one[:2] == (namespace, sensor)]:
            alone._pending[trigger] = self._pending.pop(trigger)
        return alone

    def take_in(self, other: "Joins") -> None:
        """Go on with what has come in `other`, which is of other triggers."""
        self._pending.update(other.open())
        self._let_go.update(other.let_go)

    def forget(self, triggers: Iterable[TriggerRef]) -> None:
        """Let go of what has come for `triggers`."""
        for trigger in triggers:
            self._pending.pop(trigger, None)

    def positions(self) -> set[int]:
        """All events that have come and may still count, whatever the time is for those that are decided next."""
        return {member.position for pending in self._pending.values() for member in pending.members} | self._let_go

    @property
    def let_go(self) -> Collection[int]:
        """Positions that were given up since the last `committed`: what is stored may still need them."""
        return self._let_go

    def committed(self) -> None:
        """Note that all that was told so far is stored."""
        self._let_go.clear()

    def take(
        self,
        trigger: TriggerRef,
        condition: JoinedCondition,
        arrived: Sequence[Member],
        definitions: Mapping[str, str],
        resets: Sequence[Reset] = (),
    ) -> tuple[Member, ...]:
        """Note that `arrived` came for `trigger`; return what it completes, in the order of dependencies, or nothing.

        `arrived` is one event, once for each dependency that it fills; all are filled before the condition is asked, so that
        an event takes part in one round only. `definitions` are the declared dependencies; what came for one that has
        changed since, or before the last reset, is forgotten.
        """
        former = self._pending.get(trigger)
        kept: Sequence[Member] = ()
        if former is not None:
            filled = {member.dependency for member in arrived}
            counting = standing(former, condition, definitions, resets, arrived[0].received_us)
            kept = [one for one in counting if one.dependency not in filled]
            self._let_go.update([member.position for member in former.members])
        members = (*kept, *arrived)
        if condition.holds({member.dependency for member in members}):
            self._pending.pop(trigger, None)
            return tuple(sorted(members, key=lambda member: member.dependency))
        self._pending[trigger] = Pending(condition.key, members)
        return ()

    def change(self, trigger: TriggerRef) -> StateChange:
        """The record of `trigger` as it is now, to be committed."""
        pending = self._pending.get(trigger)
        return StateChange(key=key_of(trigger), value=None if pending is None else _encoder.encode(pending))


def definition_of(dependency: Dependency) -> str:
    """A hash of what is declared: what came for a dependency counts for no other."""
    return revision_of(dependency.model_dump(mode="json", by_alias=True))[:16]


def standing(
    pending: Pending, condition: JoinedCondition, definitions: Mapping[str, str], resets: Sequence[Reset], moment_us: int
) -> Sequence[Member]:
    """What of `pending` would count for an event that is received at `moment_us`."""
    if pending.conditions != condition.key:
        return ()
    since = _last_reset(resets, moment_us)
    return [
        member
        for member in pending.members
        if definitions.get(member.dependency) == member.definition and (since is None or member.received_us >= since)
    ]


def _last_reset(resets: Sequence[Reset], moment_us: int) -> int | None:
    """The last reset at or before `moment_us`: what came before it is forgotten, what came at it counts."""
    found = [moment for reset in resets if (moment := reset.latest(moment_us)) is not None]
    return max(found, default=None)
