"""Sensors as a past revision declared them: what they sent, and what they made of an event."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NamedTuple

import msgspec

from eventbus.event import Recorded, Road
from eventbus.firing import Firing
from eventbus.journal import Declared, FiringRecord, Journal
from manifests.objects import ObjectRef, Sensor
from manifests.problems import ManifestError
from sensors.binding import bind
from sensors.bound import EventView
from sensors.compile import CompiledSensor, CompiledTrigger, compile_sensor
from sensors.decide import Decider
from sensors.errors import RenderError
from sensors.transforms import TransformFailed
from sensors.verdict import Verdict
from tocsin.declared import object_of
from tocsin.kinds import trigger_kinds
from tocsin.queries import data_gone
from tocsin.secrets import HiddenValues
from tocsin.sensor_pauses import undecided
from tocsin.views import Json
from tocsin.waiting import joined

ASKED_AT_ONCE = 64
"""Declarations that are looked through before others get a turn; a sensor that is asked is a turn by itself."""
NEAR_AMONG = 1000
"""Names among which one is looked for that is near."""


class Shown(NamedTuple):
    """A request as people may see it."""

    request: Mapping[str, Any] | None
    rerendered: bool = False
    """True where nothing is stored yet and it was rendered for this answer."""
    problem: str = ""


class _Unknown(Exception):
    """Why a request cannot be shown."""


async def request_of(journal: Journal, record: FiringRecord) -> Shown:
    """What the firing sent, or would send; secrets as `***`."""
    try:
        trigger = await _trigger(journal, record.firing)
        if record.request is not None:
            return Shown(trigger.acting.show(record.request))
        bound = bind(record.firing, await _views(journal, record.firing), trigger.transforms)
        return Shown(trigger.acting.show(trigger.acting.render(bound)), rerendered=True)
    except (RenderError, TransformFailed) as exc:
        return Shown(None, problem=f"it cannot be built: {exc}")
    except _Unknown as exc:
        return Shown(None, problem=str(exc))


async def _trigger(journal: Journal, firing: Firing) -> CompiledTrigger:
    """The trigger as the revision that decided declares it."""
    content = await journal.revision(firing.revision)
    if content is None:
        raise _Unknown(f"revision {firing.revision} is no longer kept")
    try:
        trigger = compiled(content).acting.get(firing.trigger.trigger)
    except ManifestError as exc:
        raise _Unknown(f"revision {firing.revision} cannot be read by this version: {exc}") from exc
    if trigger is None:
        raise _Unknown(f"the trigger {firing.trigger.trigger!r} cannot run in revision {firing.revision}")
    return trigger


async def _views(journal: Journal, firing: Firing) -> dict[int, EventView]:
    views = {}
    for cause in firing.causes:
        recorded = await journal.event(cause.position)
        if recorded is None:
            raise _Unknown("what was sent is no longer kept, and the data that it was made from neither")
        views[cause.position] = EventView(recorded.event, now_us=recorded.received_us)
    return views


def compiled(content: bytes) -> CompiledSensor:
    """The sensor that a kept revision declares. Raises `ManifestError`."""
    return compile_sensor(_declared(content), trigger_kinds(), HiddenValues(), acts=False)


def _declared(content: bytes) -> Sensor:
    declared = object_of(content)
    if not isinstance(declared, Sensor):
        raise ManifestError(())
    return declared


class _Now:
    """The sensors in force for what comes now: looked up once, and only where a revision is in force no more."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._found: dict[str, Declared] | None = None

    async def sensor(self, former: Declared) -> Sensor | None:
        """What `former` has become; None where it is gone."""
        if former.until is None:
            present: Declared | None = former
        else:
            if self._found is None:
                self._found = {one.ref: one for one in await self._journal.in_force(None)}
            present = self._found.get(former.ref)
        try:
            return None if present is None else _declared(present.content)
        except ManifestError:  # of another version: it decides nothing
            return None


@dataclass(slots=True)
class Listening:
    """The sensors in force at an event, as far as they concern it."""

    sensors: list[Json] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    asked: bool = True
    """False where a sensor was asked for and is not in force."""


async def listening(journal: Journal, recorded: Recorded, wanted: str | None, now_us: int | None = None) -> Listening:
    """What each sensor in force at `recorded` that depends on its road makes of it, and near misses by name.

    What waits to be joined is what counts at `now_us` (by default now).
    """
    road, found, others, now = recorded.event.road, Listening(asked=False), dict[Road, str](), _Now(journal)
    for number, declared in enumerate(await journal.in_force(recorded.position)):
        if number % ASKED_AT_ONCE == 0:
            await asyncio.sleep(0)
        kind, namespace, name = declared.ref.split("/", 2)
        if kind != "Sensor" or wanted not in (None, name, f"{namespace}/{name}"):
            continue
        found.asked = True
        roads = set(roads_of(namespace, declared.content))
        others.update((other, name) for other in roads if other != road and len(others) < NEAR_AMONG)
        if road in roads:
            found.sensors.append(await _sensor(journal, declared, recorded, now, now_us))
            await asyncio.sleep(0)
        elif wanted is not None:
            found.hints.append(f"{name} depends on {', '.join(sorted(map(str, roads))) or 'nothing'}")
    if wanted is None and not found.sensors:
        found.hints += list(_near(road, others))
    return found


async def not_reached(journal: Journal, recorded: Recorded) -> bool:
    """Whether deciding has not come to an event yet."""
    tallies = await journal.tallies()
    return recorded.position > tallies.last_position - tallies.undecided


def roads_of(namespace: str, content: bytes) -> Iterator[Road]:
    """The events that a kept revision of a sensor depends on."""
    spec = msgspec.json.decode(content).get("spec") or {}
    for dependency in spec.get("dependencies") or ():
        yield Road(namespace, str(dependency.get("eventSourceName", "")), str(dependency.get("eventName", "")))


def _near(road: Road, others: Mapping[Road, str]) -> Iterator[str]:
    names = {str(other): sensor for other, sensor in others.items()}
    for near in get_close_matches(str(road), names, n=3, cutoff=0.75):
        yield f"sensor {names[near]} depends on {near}, which is near {road}"


async def verdict_views(journal: Journal, declared: Declared, recorded: Recorded) -> tuple[list[Json], str | None]:
    """What each dependency of a revision makes of an event; or why that cannot be told."""
    verdicts, _, problem = await _asked(journal, declared, recorded)
    return verdicts, problem


async def _asked(
    journal: Journal, declared: Declared, recorded: Recorded
) -> tuple[list[Json], CompiledSensor | None, str | None]:
    """The verdicts and the sensor that gave them, or the problem."""
    if recorded.event.forgotten is not None:
        return [], None, await data_gone(journal)
    try:
        sensor = compiled(declared.content)
    except ManifestError as exc:
        return [], None, str(exc) or "it is no sensor"
    verdicts = Decider([sensor]).verdicts(recorded, now_us=recorded.received_us)
    return [_verdict_view(one) for one in verdicts], sensor, None


def _verdict_view(verdict: Verdict) -> Json:
    view: Json = {"dependency": verdict.dependency, "matched": verdict.matched, "reason": verdict.reason}
    return view if verdict.matched else view | {"clauses": {"held": verdict.held, "of": verdict.clauses}}


async def _sensor(journal: Journal, declared: Declared, recorded: Recorded, now: _Now, now_us: int | None) -> Json:
    _, namespace, name = declared.ref.split("/", 2)
    view: Json = {"namespace": namespace, "name": name, "revision": declared.revision}
    view |= {"verdicts": [], "joins": [], "problem": None}
    view["undecided"] = await undecided(journal, ObjectRef("Sensor", namespace, name), recorded.position) or None
    view["verdicts"], sensor, view["problem"] = await _asked(journal, declared, recorded)
    if sensor is None or view["undecided"] is not None or await not_reached(journal, recorded):
        return view  # nothing was joined yet
    matched = [verdict["dependency"] for verdict in view["verdicts"] if verdict["matched"]]
    view["joins"] = await joined(journal, sensor, recorded, matched, lambda: now.sensor(declared), now_us)
    return view
