"""Replays as text for people."""

from collections.abc import Iterator, Mapping
from typing import Any

from tocsin.cli.output import many, table
from tocsin.cli.text import pairs, request_lines, road, seconds, trigger

Json = Mapping[str, Any]


def preview_text(found: Json) -> str:
    """What a replay would do."""
    return "\n".join(_preview_lines(found))


def _preview_lines(found: Json) -> Iterator[str]:
    revisions = "in force when the events came in" if found["as_decided"] else "in force now"
    yield f"{found['what']}: {many(found['events'], 'event')}, decided by the revisions {revisions}"
    for item in found["by_trigger"]:
        yield f"  {many(item['firings'], 'firing')} of {trigger(item)}"
    for item in found["shown"]:
        yield f"would fire {trigger(item)} on {_events(item['causes'])}"
        lines = request_lines(item["request"]) if item["request"] else [f"cannot be built: {item['problem']}"]
        yield from (f"  {line}" for line in lines)
    if len(found["shown"]) < found["firings"]:
        yield f"and {found['firings'] - len(found['shown'])} more"
    if found["passed_over"]:
        yield "passed over:"
    for item in found["passed_over"]:
        what = item["what"] + (f" {item['name']}" if item["name"] else "")
        yield f"  {item['count']} × {what}: {item['why']}"
    if not found["whole"]:
        left = found["last"] - found["previewed_to"]
        yield f"the preview was cut: {many(left, 'event')} that may be left to decide were not looked at"


def _events(causes: list[Json]) -> str:
    return ", ".join(f"{cause['id']} from {road(cause)} as {cause['dependency']}" for cause in causes)


def replay_text(replay: Json) -> str:
    """One replay in full."""
    fields = {
        "replay": f"{replay['number']}" + (f" ({replay['name']})" if replay["name"] else ""),
        "of": replay["what"] + (", as decided then" if replay["as_decided"] else ""),
        "asked": replay["asked"]
        + (f" by {replay['by']}" if replay["by"] else "")
        + (f": {replay['reason']}" if replay["reason"] else ""),
        "state": replay["state"]
        + (f" at {replay['ended']}" if replay["ended"] else "")
        + (f": {replay['problem']}" if replay["problem"] else ""),
        "decided": f"{many(replay['events'], 'event')} of {_all(replay)}"
        + (f", {replay['missing']} passed over" if replay["missing"] else ""),
        "opened": many(replay["firings"], "firing")
        + (f" of at most {replay['limit']}" if replay["limit"] else "")
        + (f"; listed by: tocsin firings list --replay {replay['number']}" if replay["firings"] else ""),
    }
    return "\n".join(pairs(fields))


def replays_table(page: Json) -> str:
    """A list of replays."""
    rows = [(r["number"], seconds(r["asked"]), r["state"], r["what"], r["firings"], r["by"], r["reason"]) for r in page["items"]]
    return table(("REPLAY", "ASKED", "STATE", "OF", "FIRINGS", "BY", "REASON"), rows, nothing="no replays")


def progress(replay: Json) -> str:
    """How far it is, in one line."""
    done = replay["position"] - replay["first"] + 1
    return f"replay {replay['number']}: {done} of {_all(replay)} looked at, {many(replay['firings'], 'firing')} opened"


def _all(replay: Json) -> str:
    return many(max(0, replay["last"] - replay["first"] + 1), "event")
