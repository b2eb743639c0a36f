"""The events of one firing as filters, parameters and requests see them."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from eventbus.event import UNPARSED, Event
from eventbus.firing import Firing
from sensors.languages.document import Document
from sensors.languages.gjson import ABSENT, Path, Result
from sensors.languages.gotimes import rfc3339_nanoseconds
from sensors.languages.jsonwrite import gjson_string

LARGE = 64 * 1024
"""Bytes of data from which on an event is searched beside the loop."""


class EventView:
    """One event with its data parsed at most once, shared by all that look at it."""

    __slots__ = ("_context", "_found", "converted", "document", "event", "now_us", "shown", "transformed")

    def __init__(self, event: Event, document: Document | None = None, *, now_us: int = 0) -> None:
        self.event = event
        if document is None and event.data is not None:
            document = Document(event.data) if event.tree is UNPARSED else Document(event.data, tree=event.tree)
        self.document = document
        """The data; None where the event has none. It may turn out not to be JSON."""
        self.converted: Document | None = None
        """The data as JSON where it came as something else, once someone converted it."""
        self.now_us = now_us
        """The present of filters and transforms, microseconds since 1970 UTC: in a running service the time at which the event
        was received, so that whoever asks again, however late, gets the same answer."""
        self.shown: dict[Path, str] = {}
        """Values as reasons show them, by path, once someone asked for a reason."""
        self.transformed: dict[object, EventView | str] = {}
        """What transforms made of it, by transform; a text says why one failed."""
        self._context: Document | None = None
        self._found: dict[Path, Result] = {}

    @property
    def context(self) -> Document:
        """The context document: the seven attributes that parameters can name, time in whole seconds UTC."""
        if self._context is None:
            self._context = Document(context_json(self.event).encode())
        return self._context

    def look(self, path: Path) -> Result:
        """What `path` finds in the data, looked up once for all that ask; nothing where the event has no data."""
        found = self._found.get(path)
        if found is None:
            found = ABSENT if self.document is None else path.get(self.document)
            self._found[path] = found
        return found

    def look_ahead(self, paths: Sequence[Path]) -> None:
        """Look up `paths`, so that `look` finds them at once. A thread may do this while nobody else has the view.

        Never raises: what breaks here breaks again where it is asked for, and there the rule that asks is known.
        """
        with contextlib.suppress(Exception):
            if self.document is not None:
                _ = self.document.walkable
            for path in paths:
                self.look(path)

    @property
    def large(self) -> bool:
        """Whether searching its data may take long."""
        return self.document is not None and len(self.document.raw) >= LARGE

    def looked(self, path: Path) -> bool:
        """Whether `look` finds `path` at once."""
        return path in self._found


def context_of(event: Event) -> dict[str, str | None]:
    """The context attributes of `event` by the names that `contextKey` uses, in the original's order."""
    return {
        "id": event.id,
        "source": event.source,
        "specversion": "1.0",
        "type": event.type,
        "datacontenttype": event.datacontenttype or "",
        "subject": event.name,
        "time": whole_seconds(event.time),
    }


def context_json(event: Event) -> str:
    """The context attributes as the original writes them: `<`, `>` and `&` are escapes."""
    members = [f'"{name}":{"null" if text is None else gjson_string(text)}' for name, text in context_of(event).items()]
    return f"{{{','.join(members)}}}"


def whole_seconds(time: str | None) -> str | None:
    """RFC 3339 text cut to whole seconds in UTC, as the original shows it to parameters.

    None where there is no time, where it is no RFC 3339 time, and for the first second of year 1, which stands for no time.
    """
    if time is None:
        return None
    if time.endswith("Z") and len(time) >= 20 and time[19] in ".Z":
        text = time[:19] + "Z"
    else:
        nanoseconds = rfc3339_nanoseconds(time)
        if nanoseconds is None or not _YEAR_1_S <= nanoseconds // 1_000_000_000 < _YEAR_10000_S:
            return None
        text = (_EPOCH + timedelta(seconds=nanoseconds // 1_000_000_000)).isoformat() + "Z"
    return None if text == "0001-01-01T00:00:00Z" else text


_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - written without its zone, which is UTC
_YEAR_1_S, _YEAR_10000_S = -62_135_596_800, 253_402_300_800
"""What can be written; seconds since 1970."""


class Bound(msgspec.Struct, frozen=True):
    """What a request is rendered from: pure data, so the same firing always renders the same request."""

    events: Mapping[str, EventView]
    """By dependency name; a dependency whose event did not take part is absent."""
    now: datetime
    """The decision's clock."""
    seed: bytes
    """Seeds what templates call random."""
    firing: Firing | None = None
    """None in simulation before ids are known."""
    found: Mapping[tuple[str, Path], Result] = {}
    """What was searched for ahead, by dependency and path; what is not here is searched for when it is asked for."""
