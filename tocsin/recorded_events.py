"""Recorded events: JSON lines, each one CloudEvent in structured JSON mode.

Semantics: CloudEvents 1.0.2, JSON event format; `source` is the event source's name and `subject` the event's name, as
Argo Events puts them on its bus.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from eventbus.event import NO_ATTRIBUTES, Event
from manifests.problems import Problem

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_KNOWN = frozenset({"specversion", "id", "source", "subject", "type", "time", "datacontenttype", "data", "data_base64"})
_BLANK = b" \t\r\n"


class Line(NamedTuple):
    """One event of a file. Its namespace is open: the bus it stands for belongs to one."""

    number: int
    event: Event


class _Bad(Exception):
    """What is wrong with a line."""


def read_events(file: str, content: bytes) -> tuple[list[Line], list[Problem]]:
    """Every event of `content` in order, and a problem for each line that is none. The bytes of `data` stay as written."""
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    lines: list[Line] = []
    problems: list[Problem] = []
    for number, text in _lines(content):
        try:
            lines.append(Line(number, _event(decoder.decode(text))))
        except _Bad as bad:
            problems.append(Problem(file=file, line=number, column=1, message=str(bad)))
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
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


def _event(members: Mapping[str, msgspec.Raw]) -> Event:
    if (version := _text(members, "specversion")) != "1.0":
        raise _Bad(f"specversion: {'missing' if version is None else repr(version)}; expected '1.0'")
    datacontenttype = _text(members, "datacontenttype")
    extensions = {name: _plain(raw) for name, raw in members.items() if name not in _KNOWN}
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
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.ValidationError:
        raise _Bad(f"{name}: expected text") from None


def _required(members: Mapping[str, msgspec.Raw], name: str) -> str:
    value = _text(members, name)
    if not value:
        raise _Bad(f"{name}: missing; a CloudEvent needs one")
    return value


def _time(members: Mapping[str, msgspec.Raw]) -> str | None:
    text = _text(members, "time")
    if text is not None and not _is_time(text):
        raise _Bad(f"time: {text[:40]!r} is no RFC 3339 time such as 2026-01-31T12:00:00Z")
    return text


def _is_time(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True


def _data(members: Mapping[str, msgspec.Raw], datacontenttype: str | None) -> bytes | None:
    encoded = _text(members, "data_base64")
    raw = members.get("data")
    if encoded is None:
        return None if raw is None else _payload(raw, datacontenttype)
    if raw is not None:
        raise _Bad("data and data_base64: an event has one or the other")
    try:
        return b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise _Bad("data_base64: not base64") from None


def _payload(raw: msgspec.Raw, datacontenttype: str | None) -> bytes:
    """JSON as written; of another content type, the text that a JSON string holds."""
    data = bytes(raw)
    if data[:1] == b'"' and not _is_json(datacontenttype):
        return msgspec.json.decode(data, type=str).encode()
    return data


def _is_json(datacontenttype: str | None) -> bool:
    kind = (datacontenttype or "application/json").split(";")[0].strip().lower()
    return kind in ("application/json", "text/json") or kind.endswith("+json")


def _plain(raw: msgspec.Raw) -> str:
    """An extension attribute's value as text."""
    value = msgspec.json.decode(raw)
    return value if isinstance(value, str) else bytes(raw).decode()
