"""Recorded events: JSON lines, each one CloudEvent in structured JSON mode.

Semantics: CloudEvents 1.0.2, JSON event format; `source` is the event source's name and `subject` the event's name, as
Argo Events puts them on its bus.
"""

import binascii
import json
import re
from binascii import a2b_base64
from collections.abc import Iterator, Mapping
from typing import NamedTuple, NoReturn

import msgspec

from eventbus.event import NO_ATTRIBUTES, Event
from manifests.problems import Problem
from sensors.languages.gotimes import rfc3339_nanoseconds

_KNOWN = frozenset({"specversion", "id", "source", "subject", "type", "time", "datacontenttype", "data", "data_base64"})
_JSON_TYPES = frozenset(
    {"", "application/json", "text/json", "application/cloudevents+json", "application/cloudevents-batch+json"}
)
_EXTENSION = re.compile("[a-zA-Z0-9]+")
_BLANK = b" \t\r\n"
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACED_DATA = re.compile(rb'"data"[ \t\r]*:[ \t\r]')
"""Finds data that may have blanks before it; they are part of it, where it is JSON."""
_LINE_BREAKS = re.compile(r"[\r\n]")
_SPACE = re.compile(r"[ \t\r\n]*")


class Line(NamedTuple):
    """One event of a file. Its namespace is open: the bus it stands for belongs to one."""

    number: int
    event: Event
    unreadable: str = ""
    """Why the original cannot decode the event's data and drops the event: it matches nothing."""


class _Bad(Exception):
    """What is wrong with a line."""


def read_events(file: str, content: bytes) -> tuple[list[Line], list[Problem]]:
    """Every event of `content` in order, and a problem for each line that is none. The bytes of `data` stay as written."""
    lines: list[Line] = []
    problems: list[Problem] = []
    for number, text in _lines(content):
        try:
            line = _line(number, _members(text))
            lines.append(line)
            if line.unreadable:
                problems.append(Problem(file=file, line=number, column=1, message=line.unreadable))
        except _Bad as bad:
            problems.append(Problem(file=file, line=number, column=1, message=str(bad)))
        except (msgspec.DecodeError, ValueError) as exc:
            problems.append(Problem(file=file, line=number, column=1, message=f"not one CloudEvent as JSON: {exc}"))
        except RecursionError:
            problems.append(Problem(file=file, line=number, column=1, message="the JSON is nested too deeply"))
    return lines, problems


def repeats(lines: list[Line]) -> Iterator[tuple[int, int]]:
    """(line, earlier line) where an event has the identity of an earlier one; on the bus the later one is dropped."""
    first: dict[tuple[str, str, str], int] = {}
    for line in lines:
        earlier = first.setdefault((line.event.source, line.event.name, line.event.id), line.number)
        if earlier != line.number:
            yield line.number, earlier


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    for number, text in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        if text.strip(_BLANK):
            yield number, text


_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _members(text: bytes) -> Mapping[str, msgspec.Raw]:
    try:
        if _SPACED_DATA.search(text) is None:
            return _decode_members(text)
        _decode_members(text)
    except msgspec.DecodeError:
        if b"\\ud" not in text.lower():
            raise
    # Half a surrogate pair is JSON to the original, and its data is kept as written, with the blanks before it.
    return _walked(text.decode())


def _walked(text: str) -> dict[str, msgspec.Raw]:
    """The members of the object that `text` is, read by a decoder that lets lone surrogates through."""
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    decoder.decode(text)  # whether it is JSON at all; below only says where its members stand
    members: dict[str, msgspec.Raw] = {}
    at = _next(text, 0)
    if text[at] != "{":
        raise _Bad("not one CloudEvent as JSON: expected an object")
    while text[at] != "}":
        name, at = decoder.raw_decode(text, _next(text, at + 1))
        colon = _next(text, at)
        start = _next(text, colon + 1)
        _, at = decoder.raw_decode(text, start)
        start = colon + 1 if name == "data" else start
        members[name] = msgspec.Raw(text[start:at].encode())
        at = _next(text, at)
    return members


def _next(text: str, at: int) -> int:
    """Where the next character stands that is no space."""
    found = _SPACE.match(text, at)
    return at if found is None else found.end()


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _line(number: int, members: Mapping[str, msgspec.Raw]) -> Line:
    event = _event(members)
    raw = members.get("data")
    why = next(filter(None, (_not_plain(name, members[name]) for name in event.attributes)), "")
    if event.time is not None and event.time != event.time.upper():
        why = f"time: the original reads {event.time!r} with capital letters only: {event.time.upper()!r}"
    if not why and raw is not None and bytes(raw).lstrip()[:1] not in b'"n' and not _is_json(event.datacontenttype):
        why = f"data: expected text, because the content type is {event.datacontenttype!r}; write JSON text as a string"
    return Line(number, event, why)


def _not_plain(name: str, raw: msgspec.Raw) -> str:
    """Why `name` cannot be an extension attribute; empty where it can."""
    if not _EXTENSION.fullmatch(name):
        return f"{name}: an attribute's name has letters and digits only"
    text = bytes(raw)
    if text[:1] in b"{[":
        return f"{name}: expected text, a number or a truth value"
    if text[:1] in b"-0123456789" and not -(2**31) <= float(text) <= 2**31 - 1:
        return f"{name}: the number does not fit 32 bits; write it as text"
    return ""


def _event(members: Mapping[str, msgspec.Raw]) -> Event:
    if (version := _text(members, "specversion")) != "1.0":
        raise _Bad(f"specversion: {'missing' if version is None else repr(version)}; expected '1.0'")
    datacontenttype = _text(members, "datacontenttype")
    extensions = {name: _plain(raw) for name, raw in members.items() if name not in _KNOWN and bytes(raw) != b"null"}
    return Event(
        namespace="",
        source=_required(members, "source"),
        name=_text(members, "subject") or "",
        id=_required(members, "id"),
        type=_required(members, "type"),
        time=_time(members),
        datacontenttype=datacontenttype,
        data=_data(members, datacontenttype),
        attributes=extensions or NO_ATTRIBUTES,
    )


def _text(members: Mapping[str, msgspec.Raw], name: str) -> str | None:
    """The text of an attribute; None where it is absent or null, which is the same in this format."""
    raw = members.get(name)
    if raw is None or bytes(raw) == b"null":
        return None
    if not bytes(raw).startswith(b'"'):
        raise _Bad(f"{name}: expected text")
    return _string(raw)


def _required(members: Mapping[str, msgspec.Raw], name: str) -> str:
    value = _text(members, name)
    if not value:
        raise _Bad(f"{name}: missing; a CloudEvent needs one")
    return value


def _time(members: Mapping[str, msgspec.Raw]) -> str | None:
    text = _text(members, "time")
    if text and rfc3339_nanoseconds(text.upper()) is None:
        raise _Bad(f"time: {text[:40]!r} is no RFC 3339 time such as 2026-01-31T12:00:00Z")
    return text or None


def _data(members: Mapping[str, msgspec.Raw], datacontenttype: str | None) -> bytes | None:
    encoded = _text(members, "data_base64")
    raw = members.get("data")
    if encoded is None:
        return None if raw is None else _payload(raw, datacontenttype)
    if raw is not None:
        raise _Bad("data and data_base64: an event has one or the other")
    try:
        encoded = _LINE_BREAKS.sub("", encoded)
        if len(encoded) % 4:
            raise ValueError("a part of four characters")
        return a2b_base64(encoded, strict_mode=True)
    except (binascii.Error, ValueError):
        raise _Bad("data_base64: not base64") from None


def _payload(raw: msgspec.Raw, datacontenttype: str | None) -> bytes:
    """JSON as written; of another content type, the text that a JSON string holds."""
    data = bytes(raw)
    if _is_json(datacontenttype):
        return data
    data = data.lstrip()
    return _string(raw).encode() if data[:1] == b'"' else b"" if data == b"null" else data


def _string(raw: msgspec.Raw) -> str:
    """A JSON string; half a surrogate pair in it becomes U+FFFD."""
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.DecodeError:
        return _LONE_SURROGATE.sub("\ufffd", str(json.loads(bytes(raw))))


def _is_json(datacontenttype: str | None) -> bool:
    """Whether the original reads data as JSON: by these names to the letter, and where there is none."""
    kind, parameters, _ = (datacontenttype or "").partition(";")
    return (kind.strip() if parameters else kind) in _JSON_TYPES


def _plain(raw: msgspec.Raw) -> str:
    """An extension attribute's value as text."""
    text = bytes(raw)
    return _string(raw) if text[:1] == b'"' else text.decode()
