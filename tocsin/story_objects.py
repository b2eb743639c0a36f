"""`why KIND/NAMESPACE/NAME`: what an object has done lately and what it has not, or which firing made one of a cluster."""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from eventbus.event import Recorded
from eventbus.firing import FiringId
from eventbus.journal import Declared, EventFilter, FiringFilter, FiringRecord, Journal
from manifests.objects import ObjectRef
from tocsin.queries import NotFound, off_record
from tocsin.sensor_pauses import in_force as pauses_in_force
from tocsin.views import Json, cause_view, event_view, firing_view

FIRINGS = 5
"""Newest firings of a sensor that are shown."""
EVENTS = 10
"""Newest events that are shown."""
LOOKED_THROUGH = 500
"""Newest firings whose requests are looked through for an object that they name."""
_MADE = re.compile("[0-9a-f]{10}")


async def why_sensor(journal: Journal, namespace: str, name: str) -> Json:
    """The newest firings of a sensor, and what it made of the newest events that it depends on. Raises `NotFound`."""
    from tocsin.pinned import roads_of  # noqa: PLC0415 - compiling is heavy, and not every question needs it

    ref = f"Sensor/{namespace}/{name}"
    present = next((one for one in await journal.in_force(None) if one.ref == ref), None)
    page = await journal.firings(FiringFilter(namespace=namespace, sensor=name), limit=FIRINGS)
    if present is None and not page.items:
        raise NotFound(
            f"no sensor {namespace}/{name} is in force, and none fired; {await off_record(journal)}see `tocsin sensors`"
        )
    roads = sorted(set(roads_of(namespace, present.content))) if present is not None else []
    events = await _newest(journal, [EventFilter(namespace=r.namespace, source=r.source, name=r.name) for r in roads])
    pause = (await pauses_in_force(journal)).get(ObjectRef("Sensor", namespace, name))
    return {
        "object": {"kind": "Sensor", "namespace": namespace, "name": name},
        "revision": None if present is None else present.revision,
        "paused": None if pause is None else pause.text(),
        "firings": [_firing(record) for record in page.items],
        "events": await _judged(journal, ref, events),
        "note": _sensor_note(present, [str(road) for road in roads], events),
    }


async def why_source(journal: Journal, namespace: str, name: str) -> Json:
    """The newest events of an event source, and what they fired. Raises `NotFound`."""
    ref = f"EventSource/{namespace}/{name}"
    present = next((one for one in await journal.in_force(None) if one.ref == ref), None)
    events = await _newest(journal, [EventFilter(namespace=namespace, source=name)])
    if present is None and not events:
        raise NotFound(f"no event source {namespace}/{name} is in force, and none sent anything; see `tocsin sources`")
    return {
        "object": {"kind": "EventSource", "namespace": namespace, "name": name},
        "revision": None if present is None else present.revision,
        "paused": None,
        "firings": [],
        "events": [
            {"event": event_view(one, data=False), "firings": _brief(await journal.firings_of(one.position)), "verdicts": []}
            for one in events
        ],
        "note": "" if events else f"nothing came in; {await off_record(journal)}see `tocsin sources show {name}`",
    }


async def maker(journal: Journal, kind: str, namespace: str, name: str) -> FiringId:
    """The newest firing on record that made or changed an object of a cluster. Raises `NotFound`."""
    if _MADE.fullmatch(name[-10:]) and (made := await journal.firing(name[-10:])) is not None:
        return made.firing.id
    cursor: str | None = None
    for _ in range(0, LOOKED_THROUGH, 50):
        page = await journal.firings(FiringFilter(), limit=50, cursor=cursor)
        for record in page.items:
            if (
                record.request is not None
                and name.encode() in record.request
                and await _names(journal, record, kind, namespace, name)
            ):
                return record.firing.id
        cursor = page.next
        if cursor is None:
            break
        await asyncio.sleep(0)
    raise NotFound(
        f"none of the newest {LOOKED_THROUGH} firings on record names {kind}/{namespace}/{name} in what it sent;"
        " what a trigger wrote carries the ids of its firings in the annotation tocsin.dev/firings"
    )


async def _names(journal: Journal, record: FiringRecord, kind: str, namespace: str, name: str) -> bool:
    from tocsin.pinned import request_of  # noqa: PLC0415 - see above

    resource = ((await request_of(journal, record)).request or {}).get("resource")
    if not isinstance(resource, Mapping):
        return False
    metadata = resource.get("metadata") or {}
    where = metadata.get("namespace") or record.firing.trigger.namespace
    return (str(resource.get("kind")).lower(), where, metadata.get("name")) == (kind.lower(), namespace, name)


async def _newest(journal: Journal, filters: Sequence[EventFilter]) -> list[Recorded]:
    """The newest events of several lists, newest first."""
    found = [item for one in filters for item in (await journal.events(one, limit=EVENTS)).items]
    return sorted(found, key=lambda item: -item.position)[:EVENTS]


async def _judged(journal: Journal, ref: str, events: Sequence[Recorded]) -> list[Json]:
    """What the sensor made of each event, decided again by the revision that was in force at it."""
    if not events:
        return []
    declared = [one for one in await journal.in_force(events[-1].position, events[0].position) if one.ref == ref]
    return [await _judge(journal, ref, declared, one) for one in events]


async def _judge(journal: Journal, ref: str, declared: Iterable[Declared], recorded: Recorded) -> Json:
    from tocsin.pinned import verdict_views  # noqa: PLC0415 - see above

    _, namespace, name = ref.split("/", 2)
    at = recorded.position
    revision = next((one for one in declared if one.since < at and (one.until is None or one.until >= at)), None)
    view: Json = {"event": event_view(recorded, data=False), "firings": [], "verdicts": [], "problem": None}
    records = [one for one in await journal.firings_of(at) if one.firing.trigger[:2] == (namespace, name)]
    view["firings"] = _brief(records)
    if revision is None:
        return view | {"problem": "the sensor was not in force yet"}
    verdicts, problem = await verdict_views(journal, revision, recorded)
    return view | {"verdicts": verdicts, "problem": problem}


def _firing(record: FiringRecord) -> Json:
    return firing_view(record) | {"causes": [cause_view(cause) for cause in record.firing.causes]}


def _brief(records: Iterable[FiringRecord]) -> list[Json]:
    return [firing_view(record) for record in records]


def _sensor_note(present: Declared | None, roads: Sequence[str], events: Sequence[Any]) -> str:
    if present is None:
        return "the sensor is no longer in force"
    return "" if events else f"nothing came in of what it depends on: {', '.join(roads) or 'it depends on nothing'}"
