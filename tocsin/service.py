"""The running service as the API sees it."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from eventbus.contract import Bus
from manifests.objects import ObjectRef
from sensors.beside.asking import AskBeside
from tocsin.acts import Acts
from tocsin.changes import Changes
from tocsin.holding import Holding
from tocsin.left_behind import LeftBehind
from tocsin.metrics import Metrics, PauseSeries
from tocsin.objects import ObjectState, State, gone, left_something, sensor_view, source_view
from tocsin.pauses import Mode, Pauses, pause_text, pause_view
from tocsin.replaying.replayer import Replayer
from tocsin.said import Said
from tocsin.sensor_pauses import Paused
from tocsin.supervisor import Supervisor
from tocsin.trouble import Trouble, degraded_view, with_troubles
from tocsin.troubles import DAMAGED_HINT, Troubles
from tocsin.views import Json

VIEWED_AT_ONCE = 32
"""Objects that are looked at before others get a turn."""


class Service:
    """The running service as the API sees it."""

    def __init__(
        self,
        bus: Bus,
        supervisor: Supervisor,
        *,
        metrics: Metrics,
        changes: Changes,
        pauses: Pauses,
        holding: Holding,
        acts: Acts,
        troubles: Troubles,
        left: LeftBehind,
        ask_beside: AskBeside,
    ) -> None:
        self.troubles = troubles
        self.left = left
        self.replayer = Replayer(bus, ask_beside)
        metrics.replays_of = self.replayer.series
        self.pauses = pauses
        self.holding = holding
        self.acts = acts
        self.bus = bus
        self.metrics = metrics
        self.changes = changes
        self.supervisor = supervisor
        self.instance = secrets.token_hex(8)
        self.started = False

    def readiness(self) -> Json:
        """Ready when the log takes events and the start is over. What does not run, or not well, is only named."""
        health = self.bus.health()
        not_ready = [] if health.ok else [{"name": "bus", "reason": health.reason}]
        if not self.started:
            not_ready.append({"name": "service", "reason": "starting or stopping"})
        degraded = [
            {"name": str(state.ref), "state": state.state.value, "reason": state.message}
            for state in self.supervisor.states.values()
            if state.state not in (State.RUNNING, State.DEGRADED)
        ]
        degraded += [degraded_view(trouble) for some in self.troubles.now().values() for trouble in some]
        degraded += [
            {"name": "bus", "state": State.DEGRADED.value, "reason": reason, "hint": DAMAGED_HINT}
            for reason in self.troubles.damaged
        ]
        degraded += [
            {"name": str(ref), "state": State.PAUSED.value, "reason": pause_text(pause)}
            for ref in self.supervisor.states
            if (pause := self.pauses.of(ref)) is not None
        ]
        degraded += [
            {"name": str(ref), "state": pause.state, "reason": pause.text()} for ref, pause in self.holding.pauses.items()
        ]
        return {"ready": not not_ready, "not_ready": not_ready, "degraded": degraded}

    async def sources(self) -> list[Json]:
        """Every declared event source, and those that are gone and left something elsewhere."""
        troubles = self.troubles.now()
        return await in_turns([*self._of("EventSource"), *self._left()], lambda state: self._source(state, troubles))

    async def source(self, ref: ObjectRef) -> Json:
        """One of them."""
        state = self.supervisor.states.get(ref) or left_something(ref)
        return await self._source(state, self.troubles.now())

    def _left(self) -> list[ObjectState]:
        return [left_something(ref) for ref in self.left.refs() if ref not in self.supervisor.states]

    async def _source(self, state: ObjectState, troubles: Mapping[ObjectRef, Sequence[Trouble]]) -> Json:
        view = await source_view(state, self.bus.journal, self.pauses.of(state.ref))
        return with_troubles(view, troubles.get(state.ref, ()))

    def source_refs(self) -> list[ObjectRef]:
        """Every declared event source, and those that are gone and left something elsewhere."""
        return [state.ref for state in [*self._of("EventSource"), *self._left()]]

    async def pause_source(self, ref: ObjectRef, mode: Mode, said: Said) -> Json:
        """Hold an event source, or drop what comes to it, until it is resumed."""
        return pause_view(await self.pauses.pause(ref, mode, said)) or {}

    async def resume_source(self, ref: ObjectRef, said: Said) -> Json | None:
        """End a pause and say what it was; None where there was none."""
        return pause_view(await self.pauses.resume(ref, said))

    async def sensors(self) -> list[Json]:
        """Every declared sensor, and those that are gone and still hold events."""
        troubles = self.troubles.now()
        states = [*self._of("Sensor"), *(gone(ref) for ref in self.holding.pauses if ref not in self.supervisor.states)]
        return await in_turns(states, lambda state: self._sensor(state, troubles))

    async def sensor(self, ref: ObjectRef) -> Json:
        """One of them."""
        return await self._sensor(self.supervisor.states.get(ref) or gone(ref), self.troubles.now())

    async def _sensor(self, state: ObjectState, troubles: Mapping[ObjectRef, Sequence[Trouble]]) -> Json:
        view = await sensor_view(state, self.bus.journal, await self.holding.counted(state.ref))
        return with_troubles(view, troubles.get(state.ref, ()))

    def sensor_refs(self) -> list[ObjectRef]:
        """Every declared sensor, and every other that is paused."""
        return list(dict.fromkeys([*(state.ref for state in self._of("Sensor")), *self.holding.pauses]))

    async def pause_sensor(self, ref: ObjectRef, mode: Mode, said: Said) -> Json:
        """Let a sensor decide nothing until it is resumed."""
        pause = await self.holding.pause(ref, mode, said)
        return (await self.holding.counted(ref) or Paused(pause)).view()

    async def resume_sensor(self, ref: ObjectRef, rate: float, said: Said) -> Json:
        """Let a sensor go on and say what the pause was. Raises `Conflict` where it is not paused."""
        before = await self.holding.counted(ref)
        pause = await self.holding.resume(ref, rate, said)
        return (before._replace(pause=pause) if before is not None else Paused(pause)).view()

    async def count_pauses(self) -> None:
        """Bring the metrics of what is paused up to date."""
        series: dict[ObjectRef, PauseSeries] = {}
        for ref in self.sensor_refs():
            now, before = await self.holding.counted(ref), self.holding.dropped.get(ref, 0)
            series[ref] = PauseSeries(
                paused=now is not None, waiting=now.waiting if now else 0, dropped=before + (now.dropped if now else 0)
            )
        self.metrics.paused = series
        self.metrics.paused_sources = {state.ref: self.pauses.of(state.ref) is not None for state in self._of("EventSource")}

    def _of(self, kind: str) -> list[ObjectState]:
        return [state for state in self.supervisor.states.values() if state.ref.kind == kind]


async def in_turns(states: Iterable[ObjectState], view: Callable[[ObjectState], Awaitable[Json]]) -> list[Json]:
    """The views of many objects; others have their turn in between."""
    found: list[Json] = []
    for number, state in enumerate(states, 1):
        found.append(await view(state))
        if number % VIEWED_AT_ONCE == 0:
            await asyncio.sleep(0)
    return found
