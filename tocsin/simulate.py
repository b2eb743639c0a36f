"""Deciding on recorded events without acting: pure but for reading what it is handed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from eventbus.contract import DependencyRef
from eventbus.event import Event, Recorded, Road
from eventbus.firing import Firing
from manifests.objects import Sensor
from manifests.problems import Problem
from sensors.binding import bind
from sensors.bound import EventView
from sensors.compile import compile_sensor
from sensors.decide import Decided, Decider
from sensors.errors import RenderError
from sensors.filters.held import Clause
from sensors.languages.document import Document
from sensors.transforms import TransformFailed
from sensors.triggers.trigger import TriggerKinds
from sensors.web.client import Web
from tocsin.recorded_events import Line
from tocsin.secrets import HiddenValues
from tocsin.views import Json


class Simulation:
    """Sensors, and what they would do."""

    def __init__(
        self, sensors: Sequence[Sensor], triggers: TriggerKinds, left_out: Callable[[Event, datetime], str] | None = None
    ) -> None:
        """`left_out` says why an event never reaches the log and with it no sensor; empty where it does."""
        values, web = HiddenValues(), Web()  # shared by all, and nobody calls anything with it
        compiled = [compile_sensor(sensor, triggers, values, web=web, show_broken=True, acts=False) for sensor in sensors]
        self._sensors = {ready.ref[1:]: ready for ready in compiled}
        self._namespaces = sorted({sensor.ref.namespace for sensor in compiled})
        self._listening: dict[Road, list[tuple[DependencyRef, str, str, Clause]]] = {}
        for ready in compiled:
            for one in ready.dependencies:
                self._listening.setdefault(one.road, []).append((one.ref, one.ref.sensor, one.ref.dependency, one.clause))
        self._decider = Decider(compiled)
        self._left_out = left_out
        self.problems: list[tuple[Sensor, Problem]] = [
            (sensor, problem) for sensor, ready in zip(sensors, compiled, strict=True) for problem in ready.problems
        ]
        """What compiling found, each with the sensor it is about."""

    def run(self, lines: Sequence[Line], now: datetime) -> tuple[list[Json], list[Json]]:
        """Verdicts and firings of `lines` in order, decided at `now`. Each namespace's sensors see every event."""
        now_us = int(now.timestamp() * 1_000_000)
        views: dict[tuple[str, int], EventView] = {}
        verdicts: list[Json] = []
        firings: list[Json] = []
        for position, line in enumerate(lines, 1):
            for namespace in self._namespaces:
                event = msgspec.structs.replace(line.event, namespace=namespace)
                if why := line.unreadable or (self._left_out and self._left_out(event, now)):
                    verdicts += self._dropped(event, why)
                    continue
                decided = self._decider.decide(Recorded(position, _received_us(event, now_us), event), now_us=now_us)
                if decided.view is not None:
                    if decided.firings or decided.state:
                        views[namespace, position] = decided.view
                    verdicts += self._verdicts(decided, decided.view)
                    firings += [self._firing(firing, views) for firing in decided.firings]
        return verdicts, firings

    def _verdicts(self, decided: Decided, view: EventView) -> list[Json]:
        """What each dependency on the event's road made of it. Only what did not match is asked why: it is done in bulk."""
        event, matched = view.event, frozenset(decided.matched)
        named = {"source": event.source, "id": event.id}
        rows: list[Json] = []
        for ref, sensor, name, clause in self._listening.get(event.road, ()):
            held = ref in matched if matched else False  # hashing a reference costs a tenth of a row
            reason = "" if held else _reason(clause, view)
            rows.append({"sensor": sensor, "dependency": name, "event": named, "matched": held, "reason": reason})
        return rows

    def _dropped(self, event: Event, why: str) -> list[Json]:
        named = {"source": event.source, "id": event.id}
        return [
            {"sensor": sensor, "dependency": name, "event": named, "matched": False, "reason": why}
            for _, sensor, name, _ in self._listening.get(event.road, ())
        ]

    def _firing(self, firing: Firing, views: Mapping[tuple[str, int], EventView]) -> Json:
        seen = {cause.position: views[firing.trigger.namespace, cause.position] for cause in firing.causes}
        trigger = self._sensors[firing.trigger[:2]].triggers[firing.trigger.trigger]
        acting = trigger.acting
        said: Json = {"sensor": firing.trigger.sensor, "trigger": firing.trigger.trigger, "events": _events(firing)}
        try:
            shown = dict(acting.show(acting.render(bind(firing, seen, trigger.transforms))))
        except (RenderError, TransformFailed) as exc:
            return said | {"error": str(exc)}
        for name in ("body", "payload"):
            if isinstance(body := shown.get(name), str):
                shown[name] = _as_json(body)
        return said | {"request": shown}


def _received_us(event: Event, now_us: int) -> int:
    """When a recorded event came in: as far as it is known, at its own time. Resets of conditions go by it."""
    try:
        moment = datetime.fromisoformat(event.time or "")
    except ValueError:
        return now_us
    return int(moment.timestamp() * 1_000_000) if moment.tzinfo is not None else now_us


def _reason(clause: Clause, view: EventView) -> str:
    try:
        return clause.why(view)
    except Exception as exc:  # the user's own rule, shown as it would be in the log
        return f"the rule broke: {type(exc).__name__}: {exc}"


def _as_json(body: str) -> Any:
    """JSON that only the original's decoder takes, because of half a surrogate pair; any other text stays what it is."""
    if "\\ud" not in body.lower():
        return body
    try:
        msgspec.json.decode(body)
    except msgspec.DecodeError:
        document = Document(body.encode("utf-8", "replace"))
        return document.tree if document.valid else body
    return body


def _events(firing: Firing) -> list[Json]:
    """The events of a firing, each once, in the order of their dependencies."""
    return [
        {"source": source, "id": id_} for source, id_ in dict.fromkeys((c.identity.source, c.identity.id) for c in firing.causes)
    ]
