"""The `cloudevents` source of our dialect: CloudEvents over HTTP, in binary, structured and batched mode."""

import base64
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar, get_origin
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
from sources.http.payload import parse_json, parse_tree
from sources.http.source import HttpSource, Received, Reply
from sources.source import sources

STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"
_JSON_SUFFIXES = ("/json", "+json")
_LONGEST_ID = 512
_PREFIX = "ce-"
_FAMILY = "application/cloudevents"
_NULL = msgspec.Raw(b"null")
_QUOTED_PAIR = re.compile(r"\\(.)")
_NOT_IN_TEXT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_NO_TEXT = "a <class 'str'>"
"""What the library calls text."""
_ORIGIN, _RATE = "WebHook-Request-Origin", "WebHook-Request-Rate"

_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})")


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
            return self._batch(request.body)
        if media_type == STRUCTURED:
            return self._structured(request.body, "")
        if media_type.startswith(_FAMILY):
            raise _no_cloudevent(f"of the formats of CloudEvents only {STRUCTURED} and {BATCH} are read")
        return self._binary(request)

    def _batch(self, body: bytes) -> list[Event]:
        items = _split(body, list[msgspec.Raw], "a batch is a JSON array of events")
        if len(items) > self.spec.max_batch:
            raise Refused(413, f"a batch of {len(items)} events; at most {self.spec.max_batch} are taken")
        return [self._structured(bytes(item), f"event {number}: ") for number, item in enumerate(items, 1)]

    def _structured(self, text: bytes, where: str) -> Event:
        """The event that `text` is. Its data stays as it is written there."""
        members = _split(text, dict[str, msgspec.Raw], f"{where}an event in structured mode is a JSON object")
        data = members.pop("data", None)
        base64_text = _value(members.pop("data_base64", _NULL))
        attributes = {name: value for name, raw in members.items() if (value := _value(raw)) is not None}
        if data is not None and base64_text is not None:
            raise Refused(400, f"{where}data and data_base64 exclude each other")
        kind = attributes.get("datacontenttype", None if data is None and base64_text is None else "application/json")
        if base64_text is not None:
            return self._event(attributes, _decoded(base64_text, where), kind, UNPARSED, where)
        if data is None:
            return self._event(attributes, None, kind, UNPARSED, where)
        if not _is_json(kind) and isinstance(plain := _value(data), str):
            return self._event(attributes, plain.encode("utf-8", "replace"), kind, UNPARSED, where)
        return self._event(attributes, bytes(data), kind, parse_tree(bytes(data)), where)

    def _binary(self, request: Received) -> Event:
        attributes: dict[str, Any] = {}
        for name, value in request.headers.items():
            if name.lower().startswith(_PREFIX):
                attribute = name[len(_PREFIX) :].lower()
                if attribute in attributes:
                    raise Refused(400, f"ce-{attribute[:40]}: given twice; an attribute has one value")
                attributes[attribute] = _header_value(attribute, value)
        if not attributes:
            raise _no_cloudevent(f"expected ce-… headers, or Content-Type {STRUCTURED} or {BATCH}")
        kind = request.headers.get("Content-Type")
        tree = parse_tree(request.body) if request.body and _is_json(kind or "application/json") else UNPARSED
        return self._event(attributes, request.body or None, kind, tree, "")

    def _event(self, attributes: dict[str, Any], data: bytes | None, kind: str | None, tree: object, where: str) -> Event:
        _check(attributes, where)
        # Whatever a producer's id is, the last slash is ours: `/shop` and `eu/7` are not `/shop/eu` and `7`.
        id_ = f"{attributes['source']}/{attributes['id'].replace('%', '%25').replace('/', '%2F')}"
        if len(id_) > _LONGEST_ID:
            raise Refused(400, f"{where}source and id: expected at most {_LONGEST_ID} characters together")
        event = self.event(id=id_, data=data, time=attributes.get("time"), tree=tree, datacontenttype=kind)
        kept = {name: _canonical(value) for name, value in attributes.items() if name != "datacontenttype"}
        event = msgspec.structs.replace(event, type=attributes["type"], attributes=kept)
        return continued(event, *told) if any(told := [kept.get(name) for name in CHAIN]) else event


SplitT = TypeVar("SplitT")


def _split(text: bytes, shape: type[SplitT], otherwise: str) -> SplitT:
    """`text` as members that are not decoded yet. Raises `Refused` (400) where it is no JSON, or of another shape."""
    try:
        return msgspec.json.decode(text, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = parse_json(text).value  # says what is wrong, where it is no JSON
    if not isinstance(value, get_origin(shape) or shape):
        raise Refused(400, otherwise)
    raise Refused(400, "half of a surrogate pair can be no part of an event; send whole characters")


def _value(raw: msgspec.Raw) -> Any:
    return parse_json(bytes(raw)).value


def _canonical(value: Any) -> str:
    """An attribute as text, as the CloudEvents type system writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _header_value(attribute: str, value: str) -> str:
    """What a `ce-` header says: without quotes, then percent-decoded once. Raises `Refused` (400) where it is no UTF-8.

    Semantics: CloudEvents 1.0.2, HTTP protocol binding, 3.1.3.2.
    """
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _QUOTED_PAIR.sub(r"\1", value[1:-1])
    try:
        value.encode()
        return unquote(value, errors="strict")
    except UnicodeError:
        raise Refused(400, f"ce-{attribute[:40]}: not UTF-8; send other characters percent-encoded") from None


def _no_cloudevent(said: str) -> Refused:
    return Refused(415, said, headers=(("Accept", f"{STRUCTURED}, {BATCH}"),))


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
    for name, value in attributes.items():
        if problem := _unusable(value):
            raise Refused(400, f"{where}{name[:40]}: {problem}")
    try:
        CloudEvent(typed)
    except CloudEventValidationError as exc:
        said = "; ".join(f"{name[:40]}: {problem}" for name, problems in exc.errors.items() for problem in problems)
        raise Refused(400, f"{where}{said.replace(_NO_TEXT, 'text')[:500]}") from None


def _unusable(value: Any) -> str:
    """Why `value` can be no attribute; empty where it can. Semantics: CloudEvents 1.0.2, "Type System"."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        return "" if isinstance(value, int) and -(1 << 31) <= value < 1 << 31 else "expected a whole number of 32 bits, or text"
    if not isinstance(value, str):
        return "an attribute is a text, a number or a truth value"
    return "has control characters, or others that no text may hold" if _NOT_IN_TEXT.search(value) else ""


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
