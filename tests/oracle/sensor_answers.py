"""What `tocsin simulate -o json` says to many sensors at once, beside what the original's own code does."""

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from sensor_requests import sent_here, sent_there
from tocsin.cli.root import tocsin

Json = dict[str, Any]

STRICTER = {
    "is greater than 65536": "an index in `dest` has a limit",
    "cannot be a topic": "a topic that no broker takes is refused before one is asked",
    "is not an address of a broker": "the original finds out when it connects",
    "is not a mail address": "the original finds out when it connects, where it is the sender's",
    "blocks is ": "the original's library says so when it sends",
    "attachments is ": "the original's library says so when it sends",
    "metadata is no mapping": "the server refuses it",
    "is none of RequestResponse": "the service refuses it",
    "should have at least 1 character": "what a target needs is asked for before it is asked",
    "is no subject": "the server refuses it",
    "is no address of a gRPC service": "the original finds out when it connects",
    "is no name of an action": "the server refuses it",
    "actionName: Input should be": "the server refuses it: there it is empty",
    "a Kubernetes object is a mapping": "the server refuses it",
    "is missing": "the server refuses it",
    "operation: Input should be": "a word that is no operation, which the original's program refuses, or nothing, which is submit there",
    "the trigger is disabled": "what cannot be compiled is reported, also where no firing would come to it",
    "has a control character": "a header that a later one replaces is looked at, too",
    "has a line break": "the server takes what follows for another header",
    "should have at most": "the service refuses it",
    "args: ": "without the `argo` program there are those of its options that are known",
}
"""Words of our error → why the original has none. Each is in docs/differences.md or the page of the kind."""

WEAKER = {
    "to emailId can't be invalid": "it knows addresses of few forms only",
    "a temp file": "it writes a workflow to a file of its name, which can be none",
    "control characters are not allowed": "it writes an object as YAML, which cannot hold a DEL",
}
"""Words of the original's error → why there is none here."""


def simulate(cases: Sequence[Json]) -> Json:
    """What the command prints for all sensors and events of `cases`; each case has a sensor and a source of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for at, case in enumerate(cases):
            Path(folder, f"{at:06}.json").write_text(json.dumps(case["sensor"]))
        events = Path(folder, "events.jsonl")
        events.write_text("\n".join(line for case in cases for line in case["events"]), errors="surrogatepass")
        manifests = sorted(str(path) for path in Path(folder).glob("*.json"))
        arguments = ["simulate", *manifests, "--events", str(events), "-o", "json", "--at", "2024-07-05T13:00:00Z"]
        done = CliRunner().invoke(tocsin, arguments, catch_exceptions=False)
        found: Json = json.loads(done.stdout)
        return found


def ours(cases: Sequence[Json]) -> list[Json]:
    """For each case what concerns its sensor."""
    found = simulate(cases)
    parts: dict[str, Json] = {name(case): {"verdicts": [], "firings": [], "problems": []} for case in cases}
    for key in ("verdicts", "firings"):
        for one in found[key]:
            parts[one["sensor"]][key].append(one)
    for problem in found["problems"]:
        stem = Path(problem["file"]).stem
        if stem.isdigit():
            parts[name(cases[int(stem)])]["problems"].append(problem)
        else:
            _of_event(cases, problem, parts)["problems"].append(problem)
    return [parts[name(case)] for case in cases]


def _of_event(cases: Sequence[Json], problem: Json, parts: dict[str, Json]) -> Json:
    """Whose event the problem of a line is."""
    line = 0
    for case in cases:
        line += len(case["events"])
        if problem["line"] <= line:
            return parts[name(case)]
    raise AssertionError(problem)


def name(case: Json) -> str:
    found: str = case["sensor"]["metadata"]["name"]
    return found


def differences(case: Json, theirs: Json, here: Json) -> Iterator[str]:
    """In what the two differ."""
    if theirs.get("error", "").startswith("panic: "):
        return  # the original's process ends; what we do is told in docs/differences.md
    if theirs.get("error"):
        yield f"the program: {theirs['error']}"
        return
    expected = {(one["dependency"], one["event"] or _id(one.get("undecoded", ""))): one for one in theirs["verdicts"] or []}
    found = {(one["dependency"], one["event"]["id"]): one for one in here["verdicts"]}
    for key in expected.keys() | found.keys():
        wanted, got = expected.get(key), found.get(key)
        if got is not None and _reported(got["reason"], here["problems"]):
            return
        if (wanted or {}).get("matched", False) is not (got or {}).get("matched", False):
            yield f"verdict {key}: theirs {wanted}, ours {got}"
    disabled = _disabled(here["problems"])
    yield from _firings([one for one in theirs["firings"] or [] if one["trigger"] not in disabled], here["firings"])


def _disabled(problems: Sequence[Json]) -> set[str]:
    """Triggers that need a dependency which cannot work. The original lets them fire where an event has no data, or another
    dependency is enough."""
    said = (re.search(r"which cannot be used; the trigger '(.*)' is disabled", one["message"]) for one in problems)
    return {found[1] for found in said if found}


def _reported(reason: str, problems: Sequence[Json]) -> bool:
    """Whether a rule that cannot work was reported when it was read. The original passes it by where an event has no data."""
    return "transform." in reason and any("not a jq program" in one["message"] or "not a Lua" in one["message"] for one in problems)


def _firings(theirs: Sequence[Json], here: Sequence[Json]) -> Iterator[str]:
    expected = {(one["trigger"], *one["events"]): one for one in theirs}
    found = {(one["trigger"], *sorted(event["id"] for event in one["events"])): one for one in here}
    if expected.keys() != found.keys():
        yield f"firings: theirs {sorted(expected)}, ours {sorted(found)}"
        return
    for key, wanted in expected.items():
        got = found[key]
        if any(words in got.get("error", "") for words in STRICTER) or any(words in wanted.get("error", "") for words in WEAKER):
            continue
        if bool(wanted.get("error")) is not bool(got.get("error")):
            yield f"firing {key}: theirs {wanted}, ours {got}"
        elif "request" in wanted:
            seen, sent = sent_there(wanted["request"]), sent_here(got["request"])
            if text_of(seen) != text_of({name: sent.get(name) for name in seen}):
                yield f"request {key}:\n  theirs {seen}\n  ours   {sent}"


def text_of(request: Json) -> str:
    """A request as text. Scripts have no minus zero here, and what is no UTF-8 is U+FFFD, which Go writes as an escape."""
    return re.sub(r"-0(?![.\d])", "0", json.dumps(request)).replace("\\\\ufffd", "\\ufffd")


def _id(line: str) -> str:
    """Of a line that the original drops, which may be no JSON."""
    found = re.search(r'"id"\s*:\s*("(?:[^"\\]|\\.)*")', line)
    return str(json.loads(found[1])) if found else ""


def validated(cases: Sequence[Json]) -> list[list[Json]]:
    """For each case what `tocsin validate -o json` says of its sensor."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, f"{at:06}.json") for at in range(len(cases))]
        for file, one in zip(files, cases, strict=True):
            file.write_text(json.dumps(one["sensor"]))
        done = CliRunner().invoke(tocsin, ["validate", *map(str, files), "-o", "json"], catch_exceptions=False)
        problems: list[Json] = json.loads(done.stdout)["problems"]
    found: list[list[Json]] = [[] for _ in cases]
    for problem in problems:
        found[int(Path(problem["file"]).stem)].append(problem)
    return found


NEVER_WORKS = (
    "does not run", "is disabled", "not a pattern", "not a template", "not a Lua script", "not a jq program", "not an expression",
)  # fmt: skip
"""Words of our errors about a part that the original accepts and then fails at, each time or at once."""

STRICTER_SHAPES = (
    "expected a mapping", "got nothing", "is no subject", "key: missing", "dest: missing", "src: missing", "dependencyname: missing", "unicode character", "at least one item", "labels: missing", "allow: missing",
    "operation: expected", "is no address of a grpc service",
)  # fmt: skip
"""Words of our errors about what the original reads as something it cannot mean, or checks in other lists only."""


def accepted_otherwise(theirs: Json, problems: Sequence[Json]) -> str:
    """How the original and we differ in taking a sensor; empty where we do not."""
    errors = [f"{one['path'].rpartition('.')[2]}: {one['message']}" for one in problems if one["severity"] == "error"]
    if theirs["invalid"].endswith(", payload parameters are not specified") and not errors:
        return ""  # an action of OpenWhisk can do without arguments
    if theirs["invalid"] and not errors:
        return f"refused there: {theirs['invalid']}"
    known = (*NEVER_WORKS, *STRICTER_SHAPES)
    other = [error for error in errors if not any(words.lower() in error.lower() for words in known)]
    return f"accepted there: {other}" if other and not theirs["invalid"] else ""
