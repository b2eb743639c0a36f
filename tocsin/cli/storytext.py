"""`why`, `explain`, `trace` and single firings as text for people."""

from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Any

from tocsin.cli.replaytext import replay_text
from tocsin.cli.text import attempt_lines, fired, outcome_line, pairs, request_lines, road, trigger, ways

Json = Mapping[str, Any]
_NEAREST = 5
"""Near misses that are shown."""


def firing_text(firing: Json) -> str:
    """One firing in full."""
    return "\n".join([*_firing_lines(firing), *_sent(firing)])


def why_text(story: Json) -> str:
    """What caused a firing, and the chain before it; or what an object did lately."""
    if "object" in story:
        return "\n".join(_object_lines(story))
    firing = story["firing"]
    lines = [f"{trigger(firing)} fired because:"]
    for cause in story["causes"]:
        lines += [f"  {cause['dependency']} matched {line}" for line in _event_line(cause)]
    if before := story.get("follows"):
        lines.append(f"  runs because firing {before['id']} of {fired(before)} was given up: {before['reason']}")
    lines += ["", *_firing_lines(firing), *_sent(firing)]
    if story.get("replay"):
        lines += ["", "decided again on purpose:", *(f"  {line}" for line in replay_text(story["replay"]).splitlines())]
    if story.get("paused"):
        lines += ["", f"its sensor is {story['paused']}"]
    if story["chain"]:
        lines += ["", "before it:"]
        for link in story["chain"]:
            lines.append(f"  firing {link['firing']['id']} of {fired(link['firing'])}, {outcome_line(link['firing'])}")
            lines += [f"    on {line}" for event in link["causes"] for line in _event_line(event)]
    return "\n".join(lines)


def _object_lines(story: Json) -> Iterator[str]:
    found = story["object"]
    word = "sensor" if found["kind"] == "Sensor" else "event source"
    yield f"{word} {_object(found)}" + (f", revision {story['revision'][:12]}" if story["revision"] else "")
    if story["paused"]:
        yield f"  {story['paused']}"
    for firing in story["firings"]:
        yield f"fired {firing['decided']}: {firing['id']} {firing['trigger']}, {outcome_line(firing)}"
        yield from (f"  on event {cause['id']} from {road(cause)}, as {cause['dependency']}" for cause in firing["causes"])
    for item in story["events"]:
        yield from _event_line(item["event"])
        yield from (f"  fired {fired(firing)}: {firing['id']}, {outcome_line(firing)}" for firing in item["firings"])
        yield from (f"  {line}" for line in _verdicts(item))
        if found["kind"] != "Sensor" and not item["firings"]:
            yield f"  fired nothing; `tocsin explain {quote(item['event']['id'])}` says why"
    if story["note"]:
        yield story["note"]


def explain_text(story: Json) -> str:
    """What each sensor made of an event."""
    event = story["event"]
    lines = [f"event {event['id']} from {road(event)}, received {event['received']}"]
    if story["quarantined"]:
        lines.append(f"set aside undecided: {story['quarantined']}")
    for sensor in story["sensors"]:
        lines += ["", f"sensor {_object(sensor)}, revision {sensor['revision'][:12]}"]
        lines += [f"  {sensor['undecided']}"] if sensor.get("undecided") else []
        lines += [f"  {line}" for line in _verdicts(sensor)]
        lines += [f"  {line}" for line in _joins(sensor)]
        lines += [f"  fired {_again(firing)}: {firing['id']}, {outcome_line(firing)}" for firing in sensor["firings"]]
    if near := story.get("near", ()):
        lines += ["", "one clause away:"]
        lines += [f"  {_object({**one, 'name': one['sensor']})}/{one['dependency']}: {one['reason']}" for one in near[:_NEAREST]]
    if story["note"]:
        lines += ["", story["note"]]
    lines += [f"  {hint}" for hint in story["hints"]]
    return "\n".join(lines)


def _again(firing: Json) -> str:
    return f"{firing['trigger']} in replay {firing['replay']}" if firing["replay"] else str(firing["trigger"])


def _verdicts(sensor: Json) -> Iterator[str]:
    if sensor.get("problem"):
        yield f"cannot be recomputed: {sensor['problem']}"
    for verdict in sensor["verdicts"]:
        word = "matched" if verdict["matched"] else "did not match"
        yield f"{verdict['dependency']} {word}{_tally(verdict)}" + (f": {verdict['reason']}" if verdict["reason"] else "")


def _tally(verdict: Json) -> str:
    counted = verdict.get("clauses")
    return f" ({counted['held']} of {counted['of']} clauses held)" if counted and counted["of"] > 1 else ""


def _joins(sensor: Json) -> Iterator[str]:
    for join in sensor.get("joins", ()):
        if join["state"] == "waiting":
            has = ", ".join(f"{one['dependency']} since {one['received']}" for one in join["has"])
            yield f"{join['trigger']} waits for {ways(join['waits_for'])}; it has {has}"
        elif join["state"] == "replaced":
            yield f"{join['trigger']} did not fire on it: a later event replaced it, or a reset or an edit forgot it"


def trace_text(story: Json) -> str:
    """Everything that followed, as a tree."""
    return "\n".join(_event_tree(story, "", ""))


def _event_tree(node: Json, head: str, indent: str) -> Iterator[str]:
    event = node["event"]
    yield f"{head}event {event['id']} from {road(event)}, received {event['received']}"
    if not node["firings"]:
        yield f"{indent}  fired nothing; `tocsin explain {quote(event['id'])}` says why"
    last = len(node["firings"]) - 1
    for n, branch in enumerate(node["firings"]):
        below = indent + ("   " if n == last else "│  ")
        yield from _firing_tree(branch, indent + ("└─ " if n == last else "├─ "), below)


def _firing_tree(branch: Json, head: str, indent: str) -> Iterator[str]:
    firing = branch["firing"]
    yield f"{head}firing {firing['id']} of {fired(firing)}: {outcome_line(firing)}"
    yield from (indent + line for line in attempt_lines(firing["attempts"]))
    last = len(branch["events"]) - 1
    for n, node in enumerate(branch["events"]):
        edge, below = ("└─ ", "   ") if n == last else ("├─ ", "│  ")
        yield from _event_tree(node, indent + edge, indent + below)
    if branch.get("cut"):
        yield f"{indent}… {branch['cut']}"


def _firing_lines(firing: Json) -> Iterator[str]:
    yield from pairs(
        {
            "firing": firing["id"],
            "trigger": trigger(firing),
            "outcome": outcome_line(firing),
            "decided": f"{firing['decided']} by revision {firing['revision'][:12]}",
            "replay": firing["replay"] or None,
            "order key": firing["order_key"],
        }
    )
    for cause in firing["causes"]:
        yield f"{'event':<11} {cause['id']} from {road(cause)}, as {cause['dependency']}"
    yield from attempt_lines(firing["attempts"])


def _sent(firing: Json) -> Iterator[str]:
    if firing.get("request"):
        yield "sent" if not firing.get("rerendered") else "to send (nothing is stored yet, rendered anew)"
        yield from (f"  {line}" for line in request_lines(firing["request"]))
    elif firing.get("request_problem"):
        yield f"request     {firing['request_problem']}"


def _event_line(event: Json) -> Iterator[str]:
    gone = "" if event.get("received") else " (no longer kept)"
    yield f"event {event['id']} from {road(event)}{', received ' + event['received'] if event.get('received') else gone}"


def _object(item: Json) -> str:
    return item["name"] if item["namespace"] == "default" else f"{item['namespace']}/{item['name']}"
