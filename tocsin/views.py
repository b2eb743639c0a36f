"""Records as JSON: the objects that the API answers and the command line prints."""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from eventbus.event import UNPARSED, Event, Identity, Recorded
from eventbus.firing import Attempt, Cause
from eventbus.journal import FiringRecord
from sources.json_text import decoded, encoded

Json = dict[str, Any]


def when(us: int | None) -> str | None:
    """RFC 3339 text in UTC, to the microsecond; None stays None."""
    return None if us is None else datetime.fromtimestamp(us / 1e6, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def identity_view(identity: Identity) -> Json:
    """Road and id."""
    return {"namespace": identity.namespace, "source": identity.source, "name": identity.name, "id": identity.id}


def event_view(recorded: Recorded, *, data: bool) -> Json:
    """One event; its data only where `data`, its size always."""
    event = recorded.event
    view: Json = {
        "id": event.id,
        "namespace": event.namespace,
        "source": event.source,
        "name": event.name,
        "type": event.type,
        "time": event.time,
        "position": recorded.position,
        "received": when(recorded.received_us),
        "bytes": event.forgotten or (0 if event.data is None else len(event.data)),
        "data_kept": event.forgotten is None,
        "correlation": event.correlation or event.id,
        "causation": event.causation,
        "hops": event.hops,
    }
    if data:
        view |= {"datacontenttype": event.datacontenttype, "attributes": dict(event.attributes), **data_view(event)}
    return view


def data_view(event: Event) -> Json:
    """`data` where it is JSON, `data_base64` where it is not, nothing where there is none."""
    if event.data is None:
        return {}
    try:
        return {"data": _value(event.data)}
    except (ValueError, RecursionError):
        return {"data_base64": base64.b64encode(event.data).decode()}


def _value(data: bytes) -> object:
    """The value of a JSON text, halves of surrogate pairs included. Raises `ValueError` where JSON cannot say it again."""
    value, tree = decoded(data)
    if tree is UNPARSED:
        encoded(value, odd=True)
    return value


def attempt_view(attempt: Attempt) -> Json:
    """One try."""
    return {
        "number": attempt.number,
        "started": when(attempt.started_us),
        "ended": when(attempt.ended_us),
        "duration_ms": duration_ms(attempt),
        "succeeded": attempt.succeeded,
        "status": attempt.status or None,
        "reason": attempt.reason,
    }


def duration_ms(attempt: Attempt) -> float:
    """Milliseconds that it took; 0 where the clock was put back meanwhile, because then nobody knows."""
    return round(max(0, attempt.ended_us - attempt.started_us) / 1000, 3)


def cause_view(cause: Cause) -> Json:
    """One event that a firing was decided on."""
    return {"dependency": cause.dependency, "position": cause.position, **identity_view(cause.identity)}


def firing_view(record: FiringRecord, *, request: Mapping[str, Any] | None = None, sent: bool = False) -> Json:
    """One firing with its attempts; with what was sent where `sent`."""
    firing = record.firing
    view: Json = {
        "id": firing.id,
        "namespace": firing.trigger.namespace,
        "sensor": firing.trigger.sensor,
        "trigger": firing.trigger.trigger,
        "state": state_of(record),
        "reason": record.reason,
        "revision": firing.revision,
        "decided": when(firing.decided_us),
        "due": when(record.due_us),
        "closed": when(record.closed_us),
        "replay": firing.replay,
        "order_key": firing.order_key,
        "correlation": firing.correlation or None,
        "hops": firing.hops,
        "causes": [cause_view(cause) for cause in firing.causes],
        "attempts": [attempt_view(attempt) for attempt in record.attempts],
    }
    if sent:
        view["request"] = None if request is None else dict(request)
    return view


def state_of(record: FiringRecord) -> str:
    """`open`, or how it ended."""
    return "open" if record.outcome is None else record.outcome.value


def page_view(items: Sequence[Json], following: str | None) -> Json:
    """One page of a list."""
    return {"items": list(items), "next": following}
