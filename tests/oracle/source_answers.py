"""What event sources that nobody calls make of the same thing, beside what the original's own code makes of it."""

import asyncio
import json
import re
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from aiokafka import ConsumerRecord
from pydantic import ValidationError

from eventbus.contract import Appended
from eventbus.event import Event, Road
from hook_answers import as_text
from http_rig import KnownValues
from manifests.objects import Dialect
from sources.calendar import Calendar
from sources.calendar_spec import CalendarSpec
from sources.file import File, FileSpec
from sources.folder import changes, look
from sources.generic import Generic, GenericSpec
from sources.kafka.records import Unreadable
from sources.kafka.source import Kafka
from sources.kafka.spec import KafkaSpec
from sources.source import SourceContext
from tocsin.kinds import BuiltKinds

Json = dict[str, Any]

_PLACEHOLDER = "/FOLDER"
_NEVER = "0001-01-01"
"""What the original emits, on and on, for a schedule that never comes due; here it is refused."""


def refusal(case: Json) -> str:
    """Why an event of an event source is refused here; empty where it is taken."""
    declared = case["declared"]
    kind = BuiltKinds().get("source", declared["kind"])
    assert kind is not None
    try:
        kind.spec.model_validate(declared["spec"])
    except ValidationError as exc:
        return str(exc)
    return ""


async def difference(case: Json, theirs: Json) -> str:
    """In what the events differ, byte for byte; empty where they do not."""
    there: Any = [b64decode(data) for data in (theirs.get("received") or {}).get("data", ())]
    if theirs["invalid"] or theirs.get("error"):
        there = None
    elif theirs["received"].get("id"):
        there = [theirs["received"]["id"], *there]
    if "calendar" in case:
        if there is not None and any(_NEVER.encode() in data for data in there):
            there = None
        here: Any = await _due(case["calendar"], len(there or ()))
        there = there and [_in_utc(data) for data in there]
    elif "files" in case:
        here = _happened(case["files"])
    else:
        here = _read(case["record"])
        there = there and [as_text(one) if isinstance(one, bytes) else one for one in there]
    return "" if here == there else f"there {there} {theirs['invalid']}\nhere  {here}"


def _context() -> SourceContext:
    return SourceContext(road=Road("default", "source", "event"), dialect=Dialect.ARGO, values=KnownValues())


def _read(asked: Json) -> list[Any] | None:
    """Id and data of the event; None where there is none."""
    value = None if asked["value"] is None else b64decode(asked["value"])
    if asked["kind"] == "generic":
        event = Generic(GenericSpec.model_validate(asked["spec"]), _context())._event(value or b"")
        return None if event is None else [event.data]
    key = None if asked["key"] is None else b64decode(asked["key"])
    headers = [(b64decode(name).decode(), b64decode(text)) for name, text in asked["headers"]]
    spec = KafkaSpec.model_validate(asked["spec"])
    place = (spec.topic, asked["partition"], asked["offset"], asked["timestamp"], 0, key, value, None, 0, 0, headers)
    try:
        event = Kafka(spec, _context())._event_of(spec.topic, ConsumerRecord(*place))
    except Unreadable:
        return None
    return [event.id, event.data]


def _happened(asked: Json) -> list[bytes]:
    """What a source finds, when it looks after each step."""
    found: list[bytes] = []
    with TemporaryDirectory() as folder:
        spec = json.loads(json.dumps(asked["spec"]).replace(_PLACEHOLDER, folder))
        source = File(FileSpec.model_validate(spec), _context())
        before = look(Path(folder))
        for step in asked["steps"]:
            _do(Path(folder), *step)
            now = look(Path(folder))
            happened = [change for change in changes(before, now) if source._counts(change)]
            found += [(source._event(change).data or b"").replace(folder.encode(), _PLACEHOLDER.encode()) for change in happened]
            before = now
    return found


def _do(folder: Path, step: str, name: str, *more: str) -> None:
    path = folder / name
    match step:
        case "create":
            path.touch(0o600)
        case "write":
            path.write_text(path.read_text() + more[0])
        case "rename":
            path.rename(folder / more[0])
        case "remove":
            path.unlink()
        case "chmod":
            path.chmod(int(more[0], 8))


class _Clock:
    """Stands still; who waits has made up for everything."""

    look_again_s = 15.0

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


async def _due(asked: Json, count: int) -> list[bytes] | None:
    """Data of the runs that were missed; None where there is no such schedule."""
    persistence = {"catchup": {"enabled": True}, "configMap": {"name": "positions"}}
    spec = {**asked["spec"], "persistence": persistence, "clockChange": "robfig"}
    try:
        declared = CalendarSpec.model_validate(spec)
    except ValidationError:
        return None
    if not count:
        return []
    last = _moment(asked["last"])
    now, schedule = last, Calendar(declared, _context())
    for _ in range(count):
        now = schedule._next(now) or now
    context = SourceContext(**{**_fields(_context()), "clock": _Clock(now + timedelta(microseconds=1))})
    source, log = Calendar(declared, context), _Log(count)
    await source._note(last)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(source.run(log))  # type: ignore[arg-type]
        await log.full.wait()
        running.cancel()
    return log.data


def _fields(context: SourceContext) -> Json:
    return {name: getattr(context, name) for name in context.__slots__}


class _Log:
    def __init__(self, count: int) -> None:
        self.data: list[bytes] = []
        self.full, self._count = asyncio.Event(), count

    async def __call__(self, event: Event) -> Appended:
        self.data.append(event.data or b"")
        if len(self.data) == self._count:
            self.full.set()
        return Appended(len(self.data), event.id, False)


def _in_utc(data: bytes) -> bytes:
    """The original writes a moment in the schedule's zone."""
    text = re.search(rb'"eventTime":"([^"]+)"', data)
    assert text is not None
    return data.replace(text[1], f"{_moment(text[1].decode()):%Y-%m-%d %H:%M:%S +0000 UTC}".encode())


def _moment(text: str) -> datetime:
    return datetime.strptime(text[:25], "%Y-%m-%d %H:%M:%S %z").astimezone(UTC)
