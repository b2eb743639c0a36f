"""`why`, `explain` and `trace`: what the journal knows, put in order, with rules asked again where that answers more."""

from collections.abc import Mapping, Sequence
from typing import Any

from eventbus.chain import caused_by
from eventbus.event import Recorded
from eventbus.firing import Cause, Firing
from eventbus.journal import FiringRecord, Journal
from manifests.objects import ObjectRef
from sensors.dead_letters import followed_by
from tocsin import story_objects
from tocsin.queries import NotFound, find_event, find_firing
from tocsin.replaying.record import find, replay_view
from tocsin.sensor_pauses import in_force
from tocsin.views import Json, cause_view, event_view, firing_view, when

MAX_HOPS = 64
"""Longest chain that is followed, in either direction."""
MAX_NODES = 1000
"""Most firings that one trace holds."""


async def show_firing(journal: Journal, name: str) -> Json:
    """One firing with what was sent."""
    return await _with_request(journal, await find_firing(journal, name))


async def why(journal: Journal, what: str) -> Json:
    """What caused a firing, named by its id, a prefix of it, or `FIRING/N` for its Nth attempt; or what is to be said of
    `KIND/NAMESPACE/NAME`: what a sensor or an event source did lately, or which firing made an object of a cluster.

    Raises `QueryError`.
    """
    if what.count("/") >= 2:
        return await _why_object(journal, *what.split("/", 2))
    name, _, attempt = what.partition("/")
    record = await find_firing(journal, name)
    if attempt and attempt not in (numbers := [str(one.number) for one in record.attempts]):
        raise NotFound(f"firing {record.firing.id} has no attempt {attempt!r}; it has {', '.join(numbers) or 'none yet'}")
    return {
        "firing": await _with_request(journal, record),
        "attempt": int(attempt) if attempt else None,
        "causes": [await _cause(journal, cause) for cause in record.firing.causes],
        "follows": await _follows(journal, record.firing),
        "replay": await _replay(journal, record.firing.replay),
        "paused": await _paused(journal, record.firing),
        "chain": await _chain(journal, record.firing),
    }


async def _why_object(journal: Journal, kind: str, namespace: str, name: str) -> Json:
    match kind.lower():
        case "sensor" | "sensors":
            return await story_objects.why_sensor(journal, namespace, name)
        case "eventsource" | "eventsources" | "source" | "sources":
            return await story_objects.why_source(journal, namespace, name)
        case _:
            return await why(journal, await story_objects.maker(journal, kind, namespace, name))


async def _replay(journal: Journal, number: int) -> Json | None:
    """The replay that a firing was decided in; None where it was decided as its events came in."""
    found = await find(journal, number) if number else None
    return None if found is None else replay_view(found)


async def _follows(journal: Journal, firing: Firing) -> Json | None:
    """The firing after whose end as a dead letter this one runs; None where it is no dead-letter trigger's."""
    before = followed_by(firing)
    record = None if before is None else await journal.firing(before.id)
    return None if record is None else firing_view(record)


async def _paused(journal: Journal, firing: Firing) -> str | None:
    """What a pause does to the sensor of a firing now; None where it is not paused."""
    ref = ObjectRef("Sensor", firing.trigger.namespace, firing.trigger.sensor)
    pause = (await in_force(journal, ref)).get(ref)
    return None if pause is None else pause.text()


async def _cause(journal: Journal, cause: Cause) -> Json:
    """A cause with the event it names, as far as it is still kept."""
    recorded = await journal.known(cause.position)
    view = cause_view(cause)
    return view if recorded is None else view | event_view(recorded, data=False)


async def _chain(journal: Journal, firing: Firing) -> list[Json]:
    """The firings before this one, nearest first."""
    links: list[Json] = []
    seen, wanted = {str(firing.id)}, await _causations(journal, firing)
    while wanted and len(links) < MAX_HOPS:
        name = wanted.pop(0)
        if name in seen:
            continue
        seen.add(name)
        record = await journal.firing(name)
        if record is not None:
            causes = [await _cause(journal, cause) for cause in record.firing.causes]
            links.append({"firing": firing_view(record), "causes": causes})
            wanted += await _causations(journal, record.firing)
    return links


async def _causations(journal: Journal, firing: Firing) -> list[str]:
    found = [await journal.known(cause.position) for cause in firing.causes]
    named = [caused_by(item.event) for item in found if item is not None]
    return list(dict.fromkeys(name for name in named if name))


async def _caused(journal: Journal, firing: str) -> list[Recorded]:
    """The events that came from a firing, oldest first."""
    found = {item.position: item for item in (*await journal.caused_by(firing), *await journal.find(firing))}
    return [found[position] for position in sorted(found)]


async def _with_request(journal: Journal, record: FiringRecord) -> Json:
    from tocsin.pinned import request_of  # noqa: PLC0415 - compiling is heavy, and not every question needs it

    shown = await request_of(journal, record)
    view = firing_view(record, request=shown.request, sent=True)
    return view | {"rerendered": shown.rerendered, "request_problem": shown.problem or None}


async def trace(journal: Journal, name: str) -> Json:
    """Everything that followed from an event, as a tree."""
    return await _Trace(journal).event(await find_event(journal, name), 0)


class _Trace:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen: set[str] = set()

    async def event(self, recorded: Recorded, hops: int) -> Json:
        records = await self._journal.firings_of(recorded.position)
        branches = [await self._firing(record, hops) for record in records]
        return {"event": event_view(recorded, data=False), "firings": branches}

    async def _firing(self, record: FiringRecord, hops: int) -> Json:
        branch: Json = {"firing": firing_view(record), "events": [], "cut": None}
        if record.firing.id in self._seen:
            branch["cut"] = "shown above"
        elif hops >= MAX_HOPS or len(self._seen) >= MAX_NODES:
            branch["cut"] = f"cut here: more than {MAX_HOPS} hops or {MAX_NODES} firings"
        else:
            self._seen.add(record.firing.id)
            caused = await _caused(self._journal, record.firing.id)
            branch["events"] = [await self.event(item, hops + 1) for item in caused]
        return branch


async def explain(journal: Journal, name: str, sensor: str | None = None) -> Json:
    """What each sensor that was in force made of an event; with `sensor` (name or namespace/name) only that one.

    Raises `QueryError`.
    """
    from tocsin.pinned import listening  # noqa: PLC0415

    recorded = await find_event(journal, name)
    firings = await journal.firings_of(recorded.position)
    known = await listening(journal, recorded, sensor)
    if sensor is not None and not known.asked:
        raise NotFound(f"no sensor {sensor!r} was in force when event {recorded.event.id!r} came in")
    views = [view | {"firings": _firings_of(firings, view)} for view in known.sensors]
    return {
        "event": event_view(recorded, data=False),
        "quarantined": dict(await journal.quarantined()).get(recorded.position),
        "sensors": views,
        "near": _near_misses(views),
        "note": await _note(journal, recorded, views),
        "hints": known.hints,
    }


def _near_misses(sensors: Sequence[Json]) -> list[Json]:
    """The dependencies that one clause alone kept from matching, among sensors that fired nothing; most clauses first."""
    found = [
        {"namespace": sensor["namespace"], "sensor": sensor["name"], **verdict}
        for sensor in sensors
        if not sensor["firings"]
        for verdict in sensor["verdicts"]
        if not verdict["matched"] and verdict["clauses"]["of"] - verdict["clauses"]["held"] == 1 < verdict["clauses"]["of"]
    ]
    return sorted(found, key=lambda one: -one["clauses"]["of"])


def _firings_of(records: Any, sensor: Mapping[str, Any]) -> list[Json]:
    wanted = (sensor["namespace"], sensor["name"])
    return [firing_view(record) for record in records if record.firing.trigger[:2] == wanted]


async def _note(journal: Journal, recorded: Recorded, sensors: list[Json]) -> str:
    """What the verdicts alone do not say."""
    from tocsin.pinned import not_reached  # noqa: PLC0415

    if await not_reached(journal, recorded):
        return "not decided yet: the verdicts are what the sensors in force now would say"
    if not sensors:
        return f"no sensor in force at {when(recorded.received_us)} depends on {recorded.event.road}"
    told = any(sensor["firings"] or sensor["joins"] or sensor["undecided"] for sensor in sensors)
    if not told and any(v["matched"] for s in sensors for v in s["verdicts"]):
        return "a dependency matched, but nothing fired: no enabled trigger needs it alone"
    return ""
