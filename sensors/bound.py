"""The events of one firing as parameters and requests see them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import orjson

from eventbus.event import UNPARSED, Event
from eventbus.firing import Firing
from sensors.languages.document import Document


class EventView:
    """One event with its data parsed at most once, shared by all that look at it."""

    __slots__ = ("__dict__", "document", "event")

    def __init__(self, event: Event, document: Document | None = None) -> None:
        self.event = event
        if document is None and event.data is not None:
            document = Document(event.data) if event.tree is UNPARSED else Document(event.data, tree=event.tree)
        self.document = document
        """The data; None where the event has none. It may turn out not to be JSON."""

    @cached_property
    def context(self) -> Document:
        """The context document: the seven attributes that parameters can name, time in whole seconds UTC."""
        return Document(orjson.dumps(context_of(self.event)))


def context_of(event: Event) -> dict[str, str | None]:
    """The context attributes of `event` by the names that `contextKey` uses."""
    return {
        "id": event.id,
        "source": event.source,
        "specversion": "1.0",
        "type": event.type,
        "datacontenttype": event.datacontenttype,
        "subject": event.name,
        "time": whole_seconds(event.time),
    }


def whole_seconds(time: str | None) -> str | None:
    """RFC 3339 text cut to whole seconds in UTC, as the original shows it to parameters; None stays None."""
    if time is None:
        return None
    if time.endswith("Z") and len(time) >= 20 and time[19] in ".Z":
        return time[:19] + "Z"
    moment = datetime.fromisoformat(time)
    return (moment - moment.utcoffset()).strftime("%Y-%m-%dT%H:%M:%SZ") if moment.utcoffset() else time[:19] + "Z"  # type: ignore[operator]


@dataclass(frozen=True, slots=True)
class Bound:
    """What a request is rendered from: pure data, so the same firing always renders the same request."""

    events: Mapping[str, EventView]
    """By dependency name; a dependency whose event did not take part is absent."""
    now: datetime
    """The decision's clock."""
    seed: bytes
    """Seeds what templates call random."""
    firing: Firing | None = None
    """None in simulation before ids are known."""
