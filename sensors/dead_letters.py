"""Dead-letter triggers: what runs after a firing of another trigger was given up, with the same events.

It reads how firings ended, which is written with the outcome itself. The firing it decides on has an id derived from what it
follows, so reading again after a crash decides the same, and nothing runs twice. Semantics: `dlqTrigger` of Argo Events.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from eventbus.contract import Bus, Decisions
from eventbus.errors import BusUnavailable
from eventbus.firing import Firing, FiringEnded, OutcomeKind, TriggerRef, firing_id

READER = "dead-letter triggers"
"""Its name among the readers of outcomes."""
AT_ONCE = 256
LOOK_AGAIN_S = 30.0
_NOT_YET_S = 0.1

logger = structlog.get_logger()

Follower = Callable[[TriggerRef, str], Awaitable[TriggerRef | None]]
"""The dead-letter trigger of a trigger in a revision; None where it has none."""

_SUFFIX = "/dlqTrigger"


def dead_letter_ref(trigger: TriggerRef) -> TriggerRef:
    """The name of the dead-letter trigger of `trigger`."""
    return trigger._replace(trigger=f"{trigger.trigger}{_SUFFIX}")


def followed_by(firing: Firing) -> Firing | None:
    """The firing, as far as it is known from `firing`, whose end as a dead letter led to it; None where it is an ordinary one."""
    name = firing.trigger.trigger
    if not name.endswith(_SUFFIX):
        return None
    return _with_trigger(firing, firing.trigger._replace(trigger=name.removesuffix(_SUFFIX)))


def _with_trigger(firing: Firing, trigger: TriggerRef, decided_us: int | None = None) -> Firing:
    causes = [(cause.dependency, cause.identity) for cause in firing.causes]
    return Firing(
        id=firing_id(trigger, causes, firing.replay),
        trigger=trigger,
        revision=firing.revision,
        causes=firing.causes,
        decided_us=firing.decided_us if decided_us is None else decided_us,
        replay=firing.replay,
        correlation=firing.correlation,
        hops=firing.hops,
    )


class DeadLetters:
    """Decides that dead-letter triggers run, while somebody declares any."""

    name = "dead-letter triggers"

    def __init__(self, bus: Bus, follower: Follower) -> None:
        self.ready = asyncio.Event()
        self._bus = bus
        self._follower = follower
        self._stopping = asyncio.Event()
        self._wanted = asyncio.Event()

    @property
    def wanted(self) -> bool:
        """Whether outcomes are to be kept for it. Once they are, they stay so for as long as this process lives."""
        return self._wanted.is_set()

    @wanted.setter
    def wanted(self, wanted: bool) -> None:
        if wanted:
            self._wanted.set()

    async def left(self) -> bool:
        """Whether the process before read outcomes, and left work that may still lead to a dead-letter trigger."""
        try:
            unread = await self._bus.outcomes.read(READER, limit=1, timeout_s=0.0)
        except LookupError:  # nobody declared any
            return False
        tallies = await self._bus.journal.tallies()
        return bool(unread or tallies.open_firings or tallies.undecided)

    async def run(self) -> None:
        """Read until `stop`; what was read and not yet passed is read again next time."""
        self.ready.set()
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(self._keep_reading(), name="reading-dead-letters")
            await self._stopping.wait()
            reading.cancel()

    def stop(self) -> None:
        """Read no more."""
        self._stopping.set()

    async def _keep_reading(self) -> None:
        while True:
            await self._wanted.wait()
            try:
                await self._read()
            except BusUnavailable as exc:
                logger.warning("dead_letters_wait", reason=str(exc), retry_in_s=exc.retry_after_s)
                await asyncio.sleep(exc.retry_after_s)

    async def _read(self) -> None:
        try:
            ended = await self._bus.outcomes.read(READER, limit=AT_ONCE, timeout_s=LOOK_AGAIN_S)
        except LookupError:  # they are not kept yet
            await asyncio.sleep(_NOT_YET_S)
            return
        following = [firing for one in ended if (firing := await self._following(one)) is not None]
        if following:
            await self._bus.commit(Decisions(group=None, position=0, firings=following))
            for firing in following:
                logger.info("dead_letter_trigger_runs", trigger=str(firing.trigger), firing=firing.id)
        if ended:
            await self._bus.outcomes.passed(READER, ended[-1].number)

    async def _following(self, ended: FiringEnded) -> Firing | None:
        if ended.outcome.kind is not OutcomeKind.DEAD_LETTERED:
            return None
        trigger = await self._follower(ended.firing.trigger, ended.firing.revision)
        return None if trigger is None else _with_trigger(ended.firing, trigger, ended.closed_us)
