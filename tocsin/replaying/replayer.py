"""Carries out what was asked for, one replay at a time, beside live work."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import msgspec
import structlog

from eventbus.contract import Bus, Decisions, StateChange
from eventbus.errors import BusError, BusUnavailable
from sensors.beside.asking import AskBeside, nowhere
from tocsin.metrics import ReplaySeries
from tocsin.queries import Conflict, NotFound
from tocsin.replaying import record
from tocsin.replaying.deciding import Deciding
from tocsin.replaying.own_joins import joins_prefix, own_joins
from tocsin.replaying.record import Asked, Pin, Replay, ReplayState
from tocsin.replaying.selecting import select
from tocsin.replaying.stepping import Stepper, pause

logger = structlog.get_logger()

RATE = 50.0
"""Firings a second, unless said otherwise."""
MOST_STARTS = 4
"""Starts in a row at one position, after which a replay is given up."""
LONGEST_PAUSE_S = 5.0


class Replayer:
    """Everything that was asked for. What has not ended is carried out, lowest number first; each step is durable."""

    name = "replayer"

    def __init__(self, bus: Bus, ask_beside: AskBeside = nowhere) -> None:
        """`ask_beside` asks rules that take long."""
        self.ready = asyncio.Event()
        self._bus, self._ask_beside = bus, ask_beside
        self._replays: dict[int, Replay] = {}
        self._asking = asyncio.Lock()
        self._current: int | None = None
        self._cancelled: dict[int, str] = {}
        """Replays under way that somebody wants to end, each with who and why."""
        self._ending: set[int] = set()
        """Replays that are cancelled before their turn, until that is durable: their turn must not come meanwhile."""
        self._changed = asyncio.Event()
        self._ended = asyncio.Condition()
        self._stopping = False

    async def load(self) -> None:
        """Read what was asked for before a restart. Call before `run`."""
        self._replays = {replay.number: replay for replay in await record.load(self._bus.journal)}

    # What people ask

    async def ask(
        self, asked: Asked, *, rate: float = RATE, name: str = "", by: str = "", reason: str = ""
    ) -> tuple[Replay, bool]:
        """Begin a replay, durably; True where it was there before.

        The same request while it is under way, or any under a `name` that was used, gives the replay that is there. `rate` is
        in firings a second; 0 for no bound. Raises `QueryError`.
        """
        async with self._asking:
            present = self._present(asked, name)
            if present is not None:
                return present, True
            selection = await select(self._bus.journal, asked)
            replay = Replay(
                number=max(self._replays, default=0) + 1,
                asked=asked,
                name=name,
                by=by,
                reason=reason,
                asked_us=_now_us(),
                rate=rate,
                first=selection.first,
                last=selection.last,
                after_us=selection.after_us,
                before_us=selection.before_us,
                position=selection.first - 1,
            )
            pins = StateChange(key=record.pinned_key(replay.number), value=record.encode_pins(selection.pins))
            kept = _kept(replay.number, selection.pins)
            await self._bus.commit(Decisions(group=None, position=0, state=[pins, replay.change()], pins=kept))
            self._replays[replay.number] = replay
            self._changed.set()
        logger.info("replay_begins", replay=replay.number, what=str(asked), by=by or None, events=replay.last - replay.position)
        return replay, False

    def _present(self, asked: Asked, name: str) -> Replay | None:
        for replay in self._replays.values():
            if name and replay.name == name:
                if replay.asked != asked:
                    raise Conflict(f"replay {replay.number} has the name {name!r}, and is of {replay.asked}")
                return replay
            if not name and replay.state is ReplayState.RUNNING and replay.asked == asked:
                return replay
        return None

    def series(self) -> ReplaySeries:
        """How all of them stand, for metrics."""
        replays = self._replays.values()
        states = Counter(replay.state.value for replay in replays)
        running = [replay for replay in replays if replay.state is ReplayState.RUNNING]
        return ReplaySeries(
            states={state.value: states[state.value] for state in ReplayState},
            events=sum(replay.events for replay in replays),
            missing=sum(replay.missing for replay in replays),
            remaining=sum(max(0, replay.last - replay.position) for replay in running),
            firings=sum(replay.firings for replay in replays),
        )

    async def cancel(self, number: int, why: str) -> Replay:
        """End a replay where it is; return once that is durable. Its firings stay as they are. Raises `QueryError`."""
        replay = self._replays.get(number)
        if replay is None:
            raise NotFound(f"no replay {number}; `tocsin replays` lists them")
        if replay.state is not ReplayState.RUNNING:
            raise Conflict(f"replay {number} is {replay.state.value}")
        if number != self._current:
            return await self._end_before_its_turn(replay, why)
        self._cancelled[number] = why
        self._changed.set()
        async with self._ended:
            await self._ended.wait_for(lambda: self._stopping or self._replays[number].state is not ReplayState.RUNNING)
        return self._replays[number]

    async def _end_before_its_turn(self, replay: Replay, why: str) -> Replay:
        if replay.number in self._ending:
            raise Conflict(f"replay {replay.number} is being cancelled")
        self._ending.add(replay.number)
        try:
            return await self._end(replay, ReplayState.CANCELLED, why)
        finally:
            self._ending.discard(replay.number)
            self._changed.set()

    # What is carried out

    async def run(self) -> None:
        """Carry out what is asked for until `stop`. What is not ended goes on after the next start."""
        self.ready.set()
        while not self._stopping:
            running = {number for number, replay in self._replays.items() if replay.state is ReplayState.RUNNING}
            if turn := running - self._ending:
                self._current = min(turn)
                await self._carry_out(self._current)
                self._current = None
            else:
                self._changed.clear()
                await self._changed.wait()
        async with self._ended:
            self._ended.notify_all()

    def stop(self) -> None:
        """End after the step at hand."""
        self._stopping = True
        self._changed.set()

    async def _carry_out(self, number: int) -> None:
        try:
            try:
                await self._decide_all(number)
            except BusError:
                raise
            except Exception as exc:  # one replay that cannot be carried out must not take others down, now or after a restart
                logger.exception("replay_failed", replay=number)
                await self._end(self._replays[number], ReplayState.FAILED, f"{type(exc).__name__}: {exc}")
        except BusError as exc:
            retry_in_s = exc.retry_after_s if isinstance(exc, BusUnavailable) else LONGEST_PAUSE_S
            logger.warning("replay_waits", replay=number, reason=str(exc), retry_in_s=retry_in_s)
            if isinstance(exc, BusUnavailable):
                # It ended no process, and is no sign that its events cannot be decided.
                self._replays[number] = msgspec.structs.replace(self._replays[number], starts=0)
            if not self._stopping:
                await pause(self._changed, retry_in_s)

    async def _decide_all(self, number: int) -> None:
        journal, key = self._bus.journal, record.pinned_key(number)
        pins = record.decode_pins(dict(await journal.records(key))[key])
        if not await self._begin(number, pins):
            return
        joins = await own_joins(journal, number)
        deciding = Deciding(journal, pins, number=number, joins=joins, ask_beside=self._ask_beside)
        stepper = Stepper(self._bus, deciding, lambda: self._goes_on(number), self._changed)
        await stepper.prepare()
        while self._goes_on(number) and not _at_end(self._replays[number]):
            before = self._replays[number]
            after = await stepper.take(before)
            # What a stop cuts short is decided again after the next start, and counted then.
            self._replays[number] = before if self._stopping and after.position == before.position else after
        if self._stopping:
            # An orderly stop is no sign that its events cannot be decided.
            await self._store(msgspec.structs.replace(self._replays[number], starts=0))
        elif number in self._cancelled:
            await self._end(self._replays[number], ReplayState.CANCELLED, self._cancelled[number])
        else:
            problem = "; ".join(f"{ref} decided nothing: {why}" for ref, why in deciding.broken.items())
            await self._end(self._replays[number], ReplayState.DONE, problem)

    async def _begin(self, number: int, pins: Sequence[Pin]) -> bool:
        """Count the start; False where too many at this position ended the process: then it is given up."""
        replay = self._replays[number]
        starts = replay.starts + 1 if replay.started_at == replay.position else 1
        if starts > MOST_STARTS:
            problem = f"{replay.starts} starts in a row ended while what follows position {replay.position} was decided"
            await self._end(replay, ReplayState.FAILED, problem)
            return False
        # Pinned once more: a version before this one may have asked, and pinned nothing.
        await self._store(msgspec.structs.replace(replay, starts=starts, started_at=replay.position), _kept(number, pins))
        return True

    async def _store(self, replay: Replay, pins: Mapping[str, Collection[str]] | None = None) -> None:
        await self._bus.commit(Decisions(group=None, position=0, state=[replay.change()], pins=pins or {}))
        self._replays[replay.number] = replay

    def _goes_on(self, number: int) -> bool:
        return not self._stopping and number not in self._cancelled

    async def _end(self, replay: Replay, state: ReplayState, problem: str) -> Replay:
        number = replay.number
        ended = msgspec.structs.replace(replay, state=state, problem=problem, ended_us=_now_us())
        gone = [record.pinned_key(number), *[key for key, _ in await self._bus.journal.records(joins_prefix(number))]]
        state_changes = [ended.change(), *[StateChange(key=key, value=None) for key in gone]]
        await self._bus.commit(Decisions(group=None, position=0, state=state_changes, pins=_kept(number, ())))
        self._replays[number] = ended
        self._cancelled.pop(number, None)
        async with self._ended:
            self._ended.notify_all()
        logger.info("replay_ends", replay=number, state=state.value, firings=ended.firings, problem=problem or None)
        return ended


def _kept(number: int, pins: Sequence[Pin]) -> dict[str, Collection[str]]:
    """The revisions that retention leaves alone until the replay has ended."""
    return {record.key_of(number): {pin.revision for pin in pins}}


def _at_end(replay: Replay) -> bool:
    most = replay.asked.most
    return replay.position >= replay.last or (most is not None and replay.firings >= most)


def _now_us() -> int:
    return time.time_ns() // 1000
