"""What a replay would do: the firings with their requests, what would be passed over, and why. Changes nothing."""

import time
from collections import Counter
from typing import Any

from eventbus.event import Recorded
from eventbus.firing import Firing
from eventbus.journal import Journal
from sensors.binding import bind
from sensors.bound import EventView
from sensors.errors import RenderError
from sensors.transforms import TransformFailed
from tocsin.replaying.deciding import Deciding
from tocsin.replaying.record import Asked
from tocsin.replaying.selecting import Selection, in_time, select
from tocsin.views import Json, cause_view, when

SHOWN = 20
"""Firings that are shown in full."""
REASONS = 20
"""Kinds of things passed over that are named one by one."""
BUDGET_S = 5.0
"""Seconds after which a preview is cut: it says how far it came."""
PART = 64


async def preview(journal: Journal, asked: Asked, *, budget_s: float = BUDGET_S) -> Json:
    """What would happen. Raises `QueryError` where nothing can be meant by `asked`."""
    selection = await select(journal, asked)
    return await _Preview(journal, asked, selection, time.monotonic() + budget_s).run()


class _Preview:
    def __init__(self, journal: Journal, asked: Asked, selection: Selection, until: float) -> None:
        self._journal, self._asked, self._selection, self._until = journal, asked, selection, until
        self._deciding = Deciding(journal, selection.pins)
        self._events = 0
        self._missing = 0
        self._firings: Counter[tuple[str, str, str]] = Counter()
        self._shown: list[Json] = []
        self._passed_over: dict[tuple[str, str], Json] = {}

    async def run(self) -> Json:
        selection, deciding = self._selection, self._deciding
        await deciding.prepare()
        position = await self._decide_all()
        self._tell_broken()
        self._tell_incomplete()
        if selection.undecided:
            self._pass_over("events", "", "not decided yet: they are left to live deciding", selection.undecided)
        if self._missing:
            self._pass_over("events", "", "no longer kept, damaged, or set aside undecided", self._missing)
        total = sum(self._firings.values())
        return {
            "what": str(self._asked),
            "as_decided": self._asked.as_decided,
            "first": selection.first,
            "last": selection.last,
            "events": self._events,
            "sensors": len({pin.ref for pin in selection.pins}),
            "firings": total if self._asked.most is None else min(total, self._asked.most),
            "by_trigger": [
                {"namespace": namespace, "sensor": sensor, "trigger": trigger, "firings": count}
                for (namespace, sensor, trigger), count in sorted(self._firings.items())
            ],
            "shown": self._shown,
            "passed_over": sorted(self._passed_over.values(), key=lambda item: -item["count"])[:REASONS],
            "whole": position >= selection.last,
            "previewed_to": position,
        }

    async def _decide_all(self) -> int:
        """Decide until the end, or until the time is over; return the last position that was looked at."""
        selection, quarantined = self._selection, dict(await self._journal.quarantined())
        position = selection.first - 1
        while position < selection.last and time.monotonic() < self._until and not self._enough():
            part = await self._journal.scan(position, until=selection.last, limit=PART)
            self._missing += part.position - position - len(part.events)
            position = part.position
            for recorded in part.events:
                if recorded.position in quarantined:
                    self._missing += 1
                elif in_time(self._selection, recorded):
                    await self._decide(recorded)
        return position

    def _enough(self) -> bool:
        return self._asked.most is not None and sum(self._firings.values()) >= self._asked.most

    async def _decide(self, recorded: Recorded) -> None:
        self._events += 1
        road = recorded.event.road
        if not self._deciding.concerns(road):
            self._pass_over("events", str(road), "no sensor depends on them")
            return
        decided = await self._deciding.decide(recorded)
        self._deciding.committed()
        for sensor, dependency, reason in self._deciding.reasons(recorded):
            self._pass_over("dependency", f"{sensor}/{dependency}", reason, same=True)
        for firing in decided.firings:
            self._firings[firing.trigger] += 1
            if len(self._shown) < SHOWN:
                self._shown.append(await self._view(firing))

    async def _view(self, firing: Firing) -> Json:
        view: Json = {
            "namespace": firing.trigger.namespace,
            "sensor": firing.trigger.sensor,
            "trigger": firing.trigger.trigger,
            "revision": firing.revision,
            "causes": [cause_view(cause) for cause in firing.causes],
        }
        trigger = self._deciding.trigger(firing)
        try:
            views = await self._views(firing)
            request = trigger.acting.show(trigger.acting.render(bind(firing, views, trigger.transforms)))
        except (RenderError, TransformFailed) as exc:
            self._pass_over("trigger", str(firing.trigger), f"a request cannot be built: {exc}", same=True)
            return view | {"request": None, "problem": str(exc)}
        return view | {"request": dict(request), "problem": None}

    async def _views(self, firing: Firing) -> dict[int, EventView]:
        found = {}
        for cause in firing.causes:
            recorded = await self._journal.event(cause.position)
            if recorded is None:
                raise RenderError(f"the event {cause.identity.id!r} is no longer kept")
            found[cause.position] = EventView(recorded.event, now_us=recorded.received_us)
        return found

    def _tell_broken(self) -> None:
        for ref, reason in self._deciding.broken.items():
            self._pass_over("sensor", ref.removeprefix("Sensor/"), reason)
        for sensor in self._deciding.sensors.values():
            for problem in sensor.problems:
                if problem.is_error:
                    self._pass_over("sensor", f"{sensor.ref.namespace}/{sensor.ref.name}", problem.message)

    def _tell_incomplete(self) -> None:
        """What waits for events that are not in the stretch: a replay joins only what it decides itself."""
        triggers = self._deciding.triggers()
        for ref, pending in self._deciding.joins.open().items():
            trigger = triggers.get(ref)
            if trigger is None or trigger.joined is None:
                continue
            present = {member.dependency for member in pending.members}
            ways = " or ".join(" && ".join(names) for names in trigger.joined.missing(present)[:3])
            first = min(pending.members, key=lambda member: member.position)
            since = f"since event {first.id} of {when(first.received_us)}"
            self._pass_over("trigger", str(ref), f"waits for {ways or 'more'} {since}; replay a span that holds all of it")

    def _pass_over(self, what: str, name: str, why: str, count: int = 1, *, same: bool = False) -> None:
        """Count one thing that leads to nothing. With `same`, one reason stands for all of its name."""
        key = (f"{what} {name}", "" if same else why)
        item: dict[str, Any] = self._passed_over.setdefault(key, {"what": what, "name": name or None, "why": why, "count": 0})
        item["count"] += count
