"""Records as text for people."""

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tocsin.cli.output import json_lines, steering, table

Json = Mapping[str, Any]


def road(item: Json) -> str:
    """`source/name`, with the namespace where it is not `default`."""
    head = "" if item["namespace"] == "default" else f"{item['namespace']}/"
    return f"{head}{item['source']}/{item['name']}"


def trigger(item: Json) -> str:
    """`sensor/trigger`, with the namespace where it is not `default`."""
    head = "" if item["namespace"] == "default" else f"{item['namespace']}/"
    return f"{head}{item['sensor']}/{item['trigger']}"


def fired(item: Json) -> str:
    """The trigger of a firing, and in which replay it was decided where it was one."""
    return trigger(item) + (f" (replay {item['replay']})" if item.get("replay") else "")


def seconds(time: str | None) -> str:
    """RFC 3339 text without the fraction."""
    return "-" if time is None else time[:19] + "Z"


def events_table(page: Json) -> str:
    """A list of events."""
    rows = [(seconds(e["received"]), road(e), e["type"], e["id"], f"{e['bytes']} B") for e in page["items"]]
    return table(("RECEIVED", "EVENT", "TYPE", "ID", "SIZE"), rows, nothing="no events") + more(page)


def firings_table(page: Json, nothing: str = "no firings") -> str:
    """A list of firings."""
    rows = [(seconds(f["decided"]), fired(f), f["state"], len(f["attempts"]), f["id"], f["reason"]) for f in page["items"]]
    return table(("DECIDED", "TRIGGER", "STATE", "ATTEMPTS", "ID", "REASON"), rows, nothing=nothing) + more(page)


def more(page: Json) -> str:
    """How to go on, where there is more."""
    return f"\nmore: --cursor {page['next']}" if page.get("next") else ""


def event_text(event: Json) -> str:
    """One event in full."""
    fields = {
        "event": f"{event['id']} from {road(event)}",
        "type": event["type"],
        "time": event["time"],
        "received": f"{event['received']} at position {event['position']}",
        "chain": event["correlation"] + (f", caused by firing {event['causation']}" if event["causation"] else ""),
        "attributes": ", ".join(f"{key}={value}" for key, value in event.get("attributes", {}).items()),
    }
    return "\n".join([*pairs(fields), *_payload(event)])


def _payload(event: Json) -> Iterator[str]:
    if "data" in event:
        yield f"data        {event['bytes']} bytes, {event.get('datacontenttype') or 'no content type'}"
        yield from (f"  {line}" for line in json_lines(event["data"]))
    elif "data_base64" in event:
        lines = _plain(event["data_base64"])
        how = "as base64" if lines is None else "as they are"
        yield f"data        {event['bytes']} bytes, {event.get('datacontenttype') or 'no content type'}, {how}"
        yield from (f"  {line}" for line in lines or [event["data_base64"]])
    else:
        yield f"data        {event.get('gone') or 'none'}"


def _plain(encoded: str) -> list[str] | None:
    """The lines of a text that can be shown as it is; None where it is none."""
    try:
        text = b64decode(encoded).decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        return None
    return None if steering().search(text.replace("\t", " ")) else text.split("\n")


def pairs(fields: Mapping[str, object]) -> Iterator[str]:
    """`name  value` lines; empty values are left out."""
    return (f"{name:<11} {value}" for name, value in fields.items() if value not in (None, ""))


def attempt_lines(attempts: Sequence[Json]) -> Iterator[str]:
    """One line for each attempt."""
    for attempt in attempts:
        status = f" ({attempt['status']})" if attempt["status"] else ""
        said = f": {attempt['reason']}" if attempt["reason"] else ""
        how = f"succeeded{status}{said}" if attempt["succeeded"] else f"failed{said}{status}"
        yield f"attempt {attempt['number']} at {attempt['started']}, {attempt['duration_ms']:g} ms: {how}"


def outcome_line(firing: Json) -> str:
    """How a firing stands."""
    if firing["state"] == "open":
        return f"open, next attempt due {firing['due']}" if firing["due"] else "open"
    return f"{firing['state']} at {firing['closed']}" + (f": {firing['reason']}" if firing["reason"] else "")


def request_lines(request: Json | None) -> Iterator[str]:
    """What was sent."""
    if request:
        yield from json_lines(request)


def ways(sets: Sequence[Sequence[str]]) -> str:
    """What completes a condition: `b`, or `b or c && d`."""
    return " or ".join(" && ".join(names) for names in sets) or "nothing"
