"""The `cloudevents` source of our dialect: CloudEvents over HTTP, in binary, structured and batched mode."""

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import msgspec
from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.v1.event import CloudEvent
from pydantic import Field

from eventbus.chain import ATTRIBUTES as CHAIN
from eventbus.chain import continued
from eventbus.event import UNPARSED, Event
from sources.http.answers import Refused
from sources.http.endpoint import Endpoint, SourceFilter
from sources.http.payload import parse_json
from sources.http.source import HttpSource, Received, Reply
from sources.source import sources

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
_JSON_SUFFIXES = ("/json", "+json")
_LONGEST_ID = 512
_PREFIX = "ce-"
_ORIGIN, _RATE = "WebHook-Request-Origin", "WebHook-Request-Rate"

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})")

_encode = msgspec.json.encode


class CloudEventsSpec(Endpoint):
    """An endpoint that takes CloudEvents 1.0."""

    max_batch: int = Field(default=1000, ge=1, le=10_000)
    """Most events of one batch."""
    filter: SourceFilter = None


@sources.register("cloudevents", spec=CloudEventsSpec)
class CloudEvents(HttpSource[CloudEventsSpec]):
    """Emits each event's own data, with the producer's attributes kept; `SOURCE/ID` of the producer is the event's id.

    A batch is taken whole or not at all. Semantics: CloudEvents 1.0.2, HTTP protocol binding and JSON format; "HTTP 1.1 Web Hooks
    for Event Delivery" for `OPTIONS`.
    """

    methods = frozenset({"POST", "OPTIONS"})

    @property
    def endpoint(self) -> Endpoint:
        """The spec itself."""
        return self.spec

    def receive(self, request: Received) -> Event | list[Event] | Reply:
        """The events of one request. Raises `Refused`: 400 with what is wrong, 413 for too many, 415 for no CloudEvents."""
        if request.method == "OPTIONS":
            return _welcome(request)
        media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type == BATCH:
            return self._batch(parse_json(request.body))
        if media_type == STRUCTURED:
            return self._structured(parse_json(request.body), "")
        return self._binary(request)

    def _batch(self, items: object) -> list[Event]:
        if not isinstance(items, list):
            raise Refused(400, "a batch is a JSON array of events")
        if len(items) > self.spec.max_batch:
            raise Refused(413, f"a batch of {len(items)} events; at most {self.spec.max_batch} are taken")
        return [self._structured(item, f"event {number}: ") for number, item in enumerate(items, 1)]

    def _structured(self, item: object, where: str) -> Event:
        if not isinstance(item, dict):
            raise Refused(400, f"{where}an event in structured mode is a JSON object")
        attributes = {key: value for key, value in item.items() if key not in ("data", "data_base64") and value is not None}
        if "data" in item and "data_base64" in item:
            raise Refused(400, f"{where}data and data_base64 exclude each other")
        kind = attributes.get("datacontenttype", "application/json")
        if "data_base64" in item:
            return self._event(attributes, _decoded(item["data_base64"], where), kind, UNPARSED, where)
        if "data" not in item:
            return self._event(attributes, None, attributes.get("datacontenttype"), UNPARSED, where)
        data = item["data"]
        if isinstance(data, str) and not _is_json(kind):
            return self._event(attributes, data.encode("utf-8", "replace"), kind, UNPARSED, where)
        return self._event(attributes, _encode(data), kind, data, where)

    def _binary(self, request: Received) -> Event:
        attributes: dict[str, Any] = {}
        for name, value in request.headers.items():
            if name.lower().startswith(_PREFIX):
                attributes[name[len(_PREFIX) :].lower()] = unquote(value)
        if not attributes:
            said = f"expected ce-… headers, or Content-Type {STRUCTURED} or {BATCH}"
            raise Refused(415, said, headers=(("Accept", f"{STRUCTURED}, {BATCH}"),))
        kind = request.headers.get("Content-Type")
        tree = parse_json(request.body) if request.body and _is_json(kind or "application/json") else UNPARSED
        return self._event(attributes, request.body or None, kind, tree, "")

    def _event(self, attributes: dict[str, Any], data: bytes | None, kind: str | None, tree: object, where: str) -> Event:
        _check(attributes, where)
        id_ = f"{attributes['source']}/{attributes['id']}"
        if len(id_) > _LONGEST_ID:
            raise Refused(400, f"{where}source and id: expected at most {_LONGEST_ID} characters together")
        event = self.event(id=id_, data=data, time=attributes.get("time"), tree=tree, datacontenttype=kind)
        kept = {name: str(value) for name, value in attributes.items() if name != "datacontenttype"}
        event = msgspec.structs.replace(event, type=attributes["type"], attributes=kept)
        return continued(event, *told) if any(told := [kept.get(name) for name in CHAIN]) else event


def _welcome(request: Received) -> Reply:
    """The answer to a sender that asks whether it may send here."""
    origin = request.headers.get(_ORIGIN)
    if not origin or not origin.isascii() or not origin.isprintable() or len(origin) > 255:
        raise Refused(400, f"OPTIONS: expected {_ORIGIN} with the sender's name")
    allowed = [("WebHook-Allowed-Origin", origin), ("Allow", "POST, OPTIONS")]
    if _RATE in request.headers:
        allowed.append(("WebHook-Allowed-Rate", "*"))
    return Reply("the sender may send events here", tuple(allowed))


def _check(attributes: Mapping[str, Any], where: str) -> None:
    """Raise `Refused` (400) with every attribute that is wrong."""
    missing = [name for name in ("id", "source", "type", "specversion") if name not in attributes]
    if missing:
        raise Refused(400, f"{where}{', '.join(missing)}: missing")
    typed = dict(attributes)
    if "time" in typed:
        typed["time"] = _moment(typed["time"], where)
    for name, value in typed.items():
        if isinstance(value, dict | list):
            raise Refused(400, f"{where}{name[:20]}: an attribute is a text, a number or a truth value")
    try:
        CloudEvent(typed)
    except CloudEventValidationError as exc:
        said = "; ".join(f"{name[:40]}: {problem}" for name, problems in exc.errors.items() for problem in problems)
        raise Refused(400, f"{where}{said[:500]}") from None


def _moment(text: object, where: str) -> datetime:
    try:
        if isinstance(text, str) and _TIME.fullmatch(text):
            return datetime.fromisoformat(text)
    except ValueError:
        pass  # a day or an hour that does not exist: refused below like any other text
    raise Refused(400, f"{where}time: expected an RFC 3339 time such as 2024-07-05T13:00:00Z")


def _decoded(text: object, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        raise Refused(400, f"{where}data_base64: not Base64") from None


def _is_json(kind: object) -> bool:
    return str(kind).partition(";")[0].strip().lower().endswith(_JSON_SUFFIXES)
