"""A scenario made of what was recorded."""

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from manifests.objects import Dialect
from tocsin.scenarios.redacting import Redactor
from tocsin.scenarios.seen import span
from tocsin.views import Json

MOST_INLINE = 64 * 1024
"""Bytes of an event's data as JSON, above which it goes to a file of its own."""
_MOST_NAMED = 10
_TRANSIENT = (408, 425, 429)
_LAST = re.compile(r"\(attempt \d+, the last\)$")


class NotCaptured(Exception):
    """It cannot be made a scenario; the message says why, and what to do."""


@dataclass(slots=True, kw_only=True)
class Captured:
    """A scenario as JSON, and what belongs to it."""

    scenario: Json
    files: dict[str, bytes] = field(default_factory=dict)
    """Data that is too large to stand in it, by name."""
    notes: list[str] = field(default_factory=list)
    """What whoever uses it should know."""


def merged(recordings: Iterable[Json]) -> Json:
    """Several recordings as one, each event and firing once, oldest first."""
    events: dict[int, Json] = {}
    firings: dict[str, Json] = {}
    for one in recordings:
        for event in one["events"]:
            former = events.get(event["position"])
            # What follows from a firing that only another recording has is not given either.
            events[event["position"]] = event if former is None or former["given"] else former
        firings |= {firing["id"]: firing for firing in one["firings"]}
    return {"events": [events[position] for position in sorted(events)], "firings": sorted(firings.values(), key=_place)}


def _place(firing: Json) -> tuple[int, str, str]:
    """Firings in the order of the events that completed them."""
    return max(cause["position"] for cause in firing["causes"]), firing["decided"], firing["id"]


class Capture:
    """Makes one scenario."""

    def __init__(self, *, name: str, manifests: Sequence[str], redactor: Redactor, beside: bool) -> None:
        """`manifests` as the scenario names them. `beside`: whether there is a place for files beside it."""
        self._name, self._manifests, self._redactor, self._beside = name, manifests, redactor, beside
        self._files: dict[str, bytes] = {}
        self._notes: list[str] = []

    def capture(self, recording: Json) -> Captured:
        """The scenario of `recording`. Raises `NotCaptured`."""
        given = [event for event in recording["events"] if event["given"]]
        namespaces = {event["namespace"] for event in given}
        if len(namespaces) > 1:
            raise NotCaptured(f"the events are of several namespaces ({', '.join(sorted(namespaces))}): capture them one by one")
        start = _moment(given[0]["received"])
        spec: Json = {"manifests": list(self._manifests), "start": given[0]["received"]}
        if targets := _targets(recording["firings"], self._redactor):
            spec["targets"] = targets
        spec["given"] = self._steps(given, start)
        spec["expect"] = self._expected(given, recording["firings"])
        metadata = {"name": self._name} | ({} if namespaces == {"default"} else {"namespace": given[0]["namespace"]})
        document = {"apiVersion": Dialect.TOCSIN.value, "kind": "Scenario", "metadata": metadata, "spec": spec}
        self._note(recording["firings"])
        return Captured(scenario=document, files=self._files, notes=self._notes)

    def _steps(self, given: Sequence[Json], start: datetime) -> list[Json]:
        steps: list[Json] = []
        last = timedelta(0)
        for event in given:
            at = max(last, _moment(event["received"]) - start)  # the clock may have been set back
            head = {"at": span(at // timedelta(microseconds=1))} if at > last else {}
            steps.append(head | {"event": self._event(event)})
            last = at
        return steps

    def _event(self, event: Json) -> Json:
        found: Json = {key: event[key] for key in ("source", "name", "id", "type", "time")}
        if event["datacontenttype"] != "application/json":
            found["datacontenttype"] = event["datacontenttype"]
        if event["attributes"]:
            found["attributes"] = self._redactor.redact(event["attributes"], f"{event['id']}: attributes")
        return found | self._data(event)

    def _data(self, event: Json) -> Json:
        where = f"{event['id']}: data"
        if "data_base64" in event:
            return self._other_data(event, base64.b64decode(event["data_base64"]), where)
        if "data" not in event:
            return {}
        data = self._redactor.redact(event["data"], where)
        try:
            whole = json.dumps(data, ensure_ascii=False, indent=2).encode()
        except UnicodeEncodeError:  # half a surrogate pair, which only the escapes of JSON can say
            return self._text(event, json.dumps(data))
        return {"data": data} if len(whole) <= MOST_INLINE else self._file(event, whole)

    def _other_data(self, event: Json, data: bytes, where: str) -> Json:
        """Data that is no JSON: as text where it is any."""
        try:
            text = self._redactor.text(data.decode(), where)
        except UnicodeDecodeError:
            self._notes.append(f"the data of event {event['id']} is no text and stands there as it came: look for secrets in it")
            return {"base64": event["data_base64"]} if len(data) <= MOST_INLINE else self._file(event, data)
        return self._text(event, text)

    def _text(self, event: Json, text: str) -> Json:
        whole = text.encode()
        return {"text": text} if len(whole) <= MOST_INLINE else self._file(event, whole)

    def _file(self, event: Json, data: bytes) -> Json:
        if not self._beside:
            raise NotCaptured(
                f"the data of event {event['id']} has {event['bytes']:,} bytes, too many to stand in a scenario: "
                "with --output FILE it goes to a file beside that"
            )
        name = f"{self._name}-{event['position']}.data"  # nothing that is read as a manifest
        self._files[name] = data
        return {"file": name}

    def _expected(self, given: Sequence[Json], firings: Sequence[Json]) -> Json:
        found = [self._firing(firing) for firing in firings]
        told = {cause["position"] for firing in firings for cause in firing["causes"]}
        silent = [{"event": event["id"]} for event in given if event["position"] not in told]
        return {"firings": found} | ({"notFired": silent} if silent else {})

    def _firing(self, firing: Json) -> Json:
        name = f"{firing['sensor']}/{firing['trigger']}"
        found: Json = {"trigger": name, "events": list(dict.fromkeys(cause["id"] for cause in firing["causes"]))}
        if _comes_again(firing):
            found |= {"attempts": len(firing["attempts"]), "outcome": firing["state"]}
        if firing.get("request") is not None:
            found["request"] = self._redactor.redact(firing["request"], f"request of {name}")
        return found

    def _note(self, firings: Sequence[Json]) -> None:
        if self._redactor.found:
            self._notes.append(f"redacted: {some(list(self._redactor.found))}")
        for firing in firings:
            if not _comes_again(firing):
                name = f"firing {firing['id'][:12]} of {firing['sensor']}/{firing['trigger']}"
                self._notes.append(f"{name} is {firing['state']}: how it ends is not part of the scenario")


def _comes_again(firing: Mapping[str, Any]) -> bool:
    """Whether the way it ended follows from what its target answered."""
    return firing["state"] in ("succeeded", "dead-lettered")


def _targets(firings: Sequence[Json], redactor: Redactor) -> dict[str, list[Any]]:
    """What targets answered, in the order in which attempts began; only those that did not take everything."""
    made = [(attempt, firing) for firing in firings for attempt in firing["attempts"]]
    answers: dict[str, list[Any]] = {}
    for attempt, firing in sorted(made, key=lambda pair: pair[0]["started"]):
        name = f"{firing['sensor']}/{firing['trigger']}"
        answers.setdefault(name, []).append(_answer(attempt, firing, redactor, name))
    return {name: _counted(found) for name, found in answers.items() if any(one != "ok" for one in found)}


def _answer(attempt: Json, firing: Json, redactor: Redactor, name: str) -> Any:
    """An answer that ends the attempt as it ended."""
    if attempt["succeeded"]:
        return "ok"
    status = attempt["status"] or 0
    passing = status in _TRANSIENT or 500 <= status < 600
    gave_up = firing["state"] == "dead-lettered" and attempt["number"] == firing["attempts"][-1]["number"]
    if gave_up and not _LAST.search(firing["reason"]):
        refused = 400 <= status < 500 and not passing
        return status if refused else {"refused": redactor.text(attempt["reason"], f"targets of {name}")}
    return status if passing else {"unavailable": redactor.text(attempt["reason"], f"targets of {name}")}


def _counted(answers: Sequence[Any]) -> list[Any]:
    """The same answer several times in a row as one."""
    found: list[Any] = []
    for one, same in groupby(answers):
        times = len(list(same))
        if times == 1 or one == "ok":
            found += [one] * times
        else:
            found.append(({"status": one} if isinstance(one, int) else dict(one)) | {"times": times})
    return found


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def some(names: Sequence[str]) -> str:
    """The first of `names`, and how many more there are."""
    more = f", and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def slug(text: str) -> str:
    """`text` as part of a name: lower-case letters, digits and dashes, not long."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].strip("-") or "event"
