"""Sensors that are paused: what each has still to decide is kept apart, and decided when it is resumed."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import structlog

from eventbus.contract import Bus, Decisions, StateChange
from eventbus.errors import BusError, BusUnavailable
from eventbus.event import Road
from eventbus.retention import Gap
from manifests.objects import ObjectRef
from sensors.beside.asking import AskBeside, nowhere
from sensors.decide import Decider
from tocsin.catching_up import LOOK_AGAIN_S, CatchUp
from tocsin.gate import GatedBus
from tocsin.pauses import Mode, key_of
from tocsin.queries import Busy, Conflict
from tocsin.said import Said
from tocsin.sensor_pauses import Paused, SensorPause, held_group, load, paused

logger = structlog.get_logger()

RATE = 100.0
"""Firings a second of a sensor that catches up, unless said otherwise."""

_T = TypeVar("_T")


@dataclass(slots=True)
class Held:
    """One sensor that is away from the others."""

    pause: SensorPause
    decider: Decider
    """What it has still to decide, with its partial matches."""
    catching_up: CatchUp | None = None
    task: asyncio.Task[None] | None = None


class Holding:
    """All sensors that are paused or catch up. Every change is durable before it counts."""

    name = "holding"

    def __init__(self, bus: Bus, gate: GatedBus, decider: Decider, ask_beside: AskBeside = nowhere) -> None:
        """`decider` is that of the sensors that are not paused; `ask_beside` asks rules that take long."""
        self.ready = asyncio.Event()
        self._bus, self._gate, self._decider, self._ask_beside = bus, gate, decider, ask_beside
        self._held: dict[ObjectRef, Held] = {}
        self._asking = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self.dropped: dict[ObjectRef, int] = {}
        """Events that were dropped in pauses that drop no more since this process began."""

    # What the others need to know

    def __contains__(self, ref: ObjectRef) -> bool:
        return ref in self._held

    @property
    def pauses(self) -> Mapping[ObjectRef, SensorPause]:
        """The pauses in force."""
        return {ref: held.pause for ref, held in self._held.items()}

    def decider_of(self, ref: ObjectRef) -> Decider:
        """Where the revisions of `ref` belong."""
        held = self._held.get(ref)
        return self._decider if held is None else held.decider

    def needed(self) -> set[int]:
        """The positions of events that partial matches of held sensors need."""
        return {position for held in self._held.values() for position in held.decider.joins.positions()}

    async def counted(self, ref: ObjectRef) -> Paused | None:
        """The pause of `ref` with what has become of the events since; None where it is not paused."""
        held = self._held.get(ref)
        return None if held is None else await paused(self._bus.journal, ref, held.pause, held.decider.roads())

    async def load(self) -> Mapping[ObjectRef, int]:
        """Read what was paused when the service ended; up to where each sensor has decided. Call before anything is applied."""
        found = {}
        for ref, pause in (await load(self._bus.journal)).items():
            if pause.over:
                await self._forget(ref)
                continue
            if pause.mode == "drop":
                await self._bus.release(held_group(ref))
            decided = await self._bus.journal.position(held_group(ref))
            if decided is None and pause.mode == "hold":  # only where the record could not be read
                decided = await self._gate.position()
                await self._bus.commit(Decisions(group=held_group(ref), position=decided))
            found[ref] = pause.position if decided is None else decided
            self._held[ref] = Held(pause, self._decider.split(ref))
            said = pause.reason or None
            logger.warning("sensor_is_paused", sensor=str(ref), mode=pause.mode, catching_up=pause.rate is not None, reason=said)
        return found

    # What people ask

    async def pause(self, ref: ObjectRef, mode: Mode, said: Said) -> SensorPause:
        """Pause `ref`, or change how it is paused. What waited is dropped where `mode` becomes that."""
        return await self._whole(lambda: self._pause(ref, mode, said))

    async def resume(self, ref: ObjectRef, rate: float, said: Said) -> SensorPause:
        """Let `ref` catch up at `rate` firings a second, 0 for no bound, or go on at once; return what the pause was.

        Raises `Conflict` where it is not paused.
        """
        return await self._whole(lambda: self._resume(ref, rate, said))

    async def _whole(self, asked: Callable[[], Awaitable[_T]]) -> _T:
        """Do it to its end, also where whoever asked has gone."""
        if self._tasks is None or self._stopping.is_set():
            raise Busy("the service is starting or stopping; try again")
        task = self._tasks.create_task(self._asked(asked), name="holding-change")
        await asyncio.wait([task])
        result = task.result()
        if isinstance(result, Exception):
            raise result
        return result

    async def _asked(self, asked: Callable[[], Awaitable[_T]]) -> _T | Exception:
        """What it gives or raises, one after the other: a wish that cannot be fulfilled ends nothing else."""
        async with self._asking:
            try:
                return await asked()
            except TimeoutError:
                return Busy("deciding does not come to rest; try again")
            except Exception as exc:  # raised where it was asked for: here it would end every sensor that catches up
                return exc

    async def _pause(self, ref: ObjectRef, mode: Mode, said: Said) -> SensorPause:
        held = self._held.get(ref)
        if held is not None:
            return await self._change(ref, held, mode, said)
        async with self._gate.closed():
            position = await self._gate.quiet()
            pause = SensorPause(mode=mode, since_us=_now_us(), position=position, by=said.by, reason=said.reason)
            group = held_group(ref) if mode == "hold" else None
            await self._bus.commit(Decisions(group=group, position=position, state=[pause.change(ref)]))
            self._held[ref] = Held(pause, self._decider.split(ref))
        logger.warning("object_paused", object=str(ref), mode=mode, by=said.by or None, reason=said.reason or None)
        return pause

    async def _change(self, ref: ObjectRef, held: Held, mode: Mode, said: Said) -> SensorPause:
        """Pause what is paused, or on its way back, in another way."""
        await self._stop(held)
        if ref not in self._held:  # it was back before it could be stopped
            return await self._pause(ref, mode, said)
        former, group = held.pause, held_group(ref)
        again = msgspec.structs.replace(former, mode=mode, rate=None, resumed_us=None, resumed_by="", problem="")
        again = msgspec.structs.replace(again, by=said.by or former.by, reason=said.reason or former.reason)
        async with self._gate.closed():
            last = await self._gate.quiet()
            if former.mode == "drop" and mode == "hold":
                again = msgspec.structs.replace(again, position=last)
                gaps = _gaps(ref, former, last)
                await self._bus.commit(Decisions(group=group, position=last, gaps=gaps, state=[again.change(ref)]))
                held.decider.passed(last)
            else:
                decided = await self._bus.journal.position(group) if former.mode == "hold" else None
                again = msgspec.structs.replace(again, position=former.position if decided is None else decided)
                await self._bus.commit(Decisions(group=None, position=0, state=[again.change(ref)]))
            held.pause = again
        if mode == "drop":
            await self._bus.release(group)
        elif former.mode == "drop":
            await self._count_dropped(ref, held.decider.roads(), former, last)
        logger.warning("object_paused", object=str(ref), mode=mode, by=said.by or None, reason=said.reason or None)
        return again

    async def _resume(self, ref: ObjectRef, rate: float, said: Said) -> SensorPause:
        held = self._held.get(ref)
        if held is None:
            raise Conflict(f"the sensor {ref.name} is not paused")
        await self._stop(held)
        former = held.pause
        if ref not in self._held:
            return former
        logger.warning("object_resumed", object=str(ref), mode=former.mode, by=said.by or None)
        if former.mode == "drop":
            await self._go_on(ref, held)
            return former
        asked = msgspec.structs.replace(former, rate=rate, resumed_us=_now_us(), resumed_by=said.by, problem="")
        await self._store(ref, held, asked)
        self._catch_up(ref, held)
        return former

    async def _go_on(self, ref: ObjectRef, held: Held) -> None:
        """Let a sensor that dropped events decide what comes from now on."""
        roads = held.decider.roads()
        async with self._gate.closed():
            last = await self._gate.quiet()
            gone = StateChange(key=key_of(ref), value=None)
            await self._bus.commit(Decisions(group=None, position=0, gaps=_gaps(ref, held.pause, last), state=[gone]))
            self._decider.take_in(held.decider, after=last)
            del self._held[ref]
        dropped = await self._count_dropped(ref, roads, held.pause, last)
        logger.info("sensor_goes_on", sensor=str(ref), dropped=dropped)

    async def _count_dropped(self, ref: ObjectRef, roads: Collection[Road], pause: SensorPause, last: int) -> int:
        """Note what `pause` has dropped up to `last`, where it drops no more."""
        dropped = await self._bus.journal.count(roads, pause.position, last)
        self.dropped[ref] = self.dropped.get(ref, 0) + dropped
        return dropped

    # What goes on by itself

    async def run(self) -> None:
        """Own the tasks of sensors that catch up, until `stop`."""
        async with asyncio.TaskGroup() as self._tasks:
            self.ready.set()
            await self._stopping.wait()
            for held in self._held.values():
                if held.catching_up is not None:
                    held.catching_up.stop()

    def stop(self) -> None:
        """End after the steps at hand. What has not caught up goes on after the next start."""
        self._stopping.set()

    def go_on(self) -> None:
        """After a start, once everything is applied: go on catching up."""
        for ref, held in self._held.items():
            if held.pause.rate is not None and held.task is None:
                self._catch_up(ref, held)

    def _catch_up(self, ref: ObjectRef, held: Held) -> None:
        if self._tasks is None or self._stopping.is_set():
            return  # the record says so: after the next start
        rate = held.pause.rate or 0.0
        held.catching_up = CatchUp(self._bus, self._gate, held_group(ref), held.decider, rate=rate, ask_beside=self._ask_beside)
        held.task = self._tasks.create_task(self._caught_up(ref, held, held.catching_up), name=f"catching-up-{ref}")

    async def _stop(self, held: Held) -> None:
        if held.catching_up is not None and held.task is not None:
            held.catching_up.stop()
            await asyncio.wait([held.task])
        held.catching_up = held.task = None

    async def _caught_up(self, ref: ObjectRef, held: Held, catching_up: CatchUp) -> None:
        """Catch up and go back to the others. What fails unexpectedly stays paused, and takes nothing else down."""
        try:
            while await catching_up.run():
                if await self._back(ref, held, catching_up):
                    return
                await self._gate.moved(LOOK_AGAIN_S)
        except Exception as exc:  # a rule may do anything, and others go on
            logger.exception("catching_up_failed", sensor=str(ref))
            await self._gave_up(ref, held, f"{type(exc).__name__}: {exc}")

    async def _gave_up(self, ref: ObjectRef, held: Held, problem: str) -> None:
        """Pause again. Where that cannot be put on record now, the next start tries to catch up once more."""
        held.pause = msgspec.structs.replace(held.pause, rate=None, problem=problem)
        try:
            await self._store(ref, held, held.pause)
        except BusError as exc:
            logger.warning("pause_not_recorded", sensor=str(ref), reason=str(exc))

    async def _back(self, ref: ObjectRef, held: Held, catching_up: CatchUp) -> bool:
        """Decide the little that is left while the others wait, and go on with them; False where it is too much."""
        try:
            done = await self._with_the_others(ref, held, catching_up)
        except (BusUnavailable, TimeoutError) as exc:
            logger.warning("catching_up_waits", sensor=str(ref), reason=str(exc) or "deciding does not come to rest")
            await catching_up.rest(LOOK_AGAIN_S)
            return False
        if done and self._tasks is not None:
            self._tasks.create_task(self._asked(lambda: self._forgotten(ref)), name=f"caught-up-{ref}")
        return done

    async def _with_the_others(self, ref: ObjectRef, held: Held, catching_up: CatchUp) -> bool:
        async with self._gate.closed():
            last = await self._gate.quiet()
            if not await catching_up.finish(last):
                return False
            over = msgspec.structs.replace(held.pause, over=True)
            # From here on the main position is ahead of the record: it must not be read as a pause after a crash.
            await self._bus.commit(Decisions(group=held_group(ref), position=last, state=[over.change(ref)]))
            self._decider.take_in(held.decider, after=last)
            del self._held[ref]
        logger.info("sensor_caught_up", sensor=str(ref), position=last)
        return True

    async def _forgotten(self, ref: ObjectRef) -> None:
        while not self._stopping.is_set():
            try:
                await self._forget(ref)
                return
            except BusUnavailable as exc:
                await self._gate.moved(exc.retry_after_s)

    async def _forget(self, ref: ObjectRef) -> None:
        """Let go of a pause that is over, unless there is a new one."""
        if ref not in self._held:
            await self._bus.release(held_group(ref))
            await self._bus.state.put(key_of(ref), None)

    async def _store(self, ref: ObjectRef, held: Held, pause: SensorPause) -> None:
        await self._bus.commit(Decisions(group=None, position=0, state=[pause.change(ref)]))
        held.pause = pause


def _gaps(ref: ObjectRef, pause: SensorPause, last: int) -> Sequence[Gap]:
    if last <= pause.position:
        return ()
    reason = f"dropped while the sensor was {pause.said()}"
    return [Gap(group=held_group(ref), first=pause.position + 1, last=last, at_us=_now_us(), reason=reason)]


def _now_us() -> int:
    return time.time_ns() // 1000
