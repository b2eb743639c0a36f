"""The parts that the data of HTTP kinds is made of: headers, forms, and JSON that is parsed once."""

from collections.abc import Iterable, Mapping
from os import urandom
from time import gmtime, strftime, time_ns
from urllib.parse import parse_qsl

import msgspec

from eventbus.event import UNPARSED
from sources.http.answers import Refused
from sources.json_text import Decoded, NotJson, decoded, encoded
from sources.marshalled import EACH_BYTE

MASKED = "*** Masked Auth Secret ***"

Headers = dict[str, list[str]]

_MOST_NAMES = 1024
_LONGEST_NAME = 64
_DROPPED = frozenset({"Host", "Transfer-Encoding", "Trailer"})

_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}

_names: dict[bytes, str] = {}


def canonical_name(raw: bytes) -> str:
    """`raw` as Go writes header names: `x-github-event` becomes `X-Github-Event`."""
    name = _names.get(raw)
    if name is None:
        name = "-".join(part.capitalize() for part in raw.decode("ascii", "replace").split("-"))
        # Senders choose names, so what is remembered is bounded.
        if len(_names) < _MOST_NAMES and len(raw) <= _LONGEST_NAME:
            _names[raw] = name
    return name


def headers_for_data(raw_headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Headers as Argo Events puts them into data: canonical names in order, lists of values, credentials masked.

    Without `Host` and what Go's server takes out of a request: `Transfer-Encoding`, `Trailer`.
    """
    found: Headers = {}
    for raw_name, raw_value in raw_headers:
        name = _names.get(raw_name) or canonical_name(raw_name)
        if name in _DROPPED:
            continue
        if name == "Authorization" and raw_value:
            found[name] = [MASKED]
            continue
        value = raw_value.decode("utf-8", EACH_BYTE)
        if name in found:
            found[name].append(value)
        else:
            found[name] = [value]
    return dict(sorted(found.items()))


def random_id() -> str:
    """A random UUID (version 4) as 32 hexadecimal digits, as Argo Events names events; a third of the cost of `uuid.uuid4`."""
    digits = urandom(16).hex()
    return f"{digits[:12]}4{digits[13:16]}{_VARIANT[digits[16]]}{digits[17:]}"


_strict = msgspec.json.Decoder().decode


def parse_json(body: bytes) -> Decoded:
    """`body` as JSON of any type. Raises `Refused` (400) on anything else, however hostile; the body is never echoed."""
    try:
        return decoded(body)
    except NotJson as exc:
        raise Refused(400, f"the body is not JSON: {exc}") from None


def parse_tree(body: bytes) -> object:
    """The tree of `parse_json`, for half a microsecond less. Raises `Refused` (400)."""
    try:
        return _strict(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return parse_json(body).tree


def written_anew(value: object, source: Decoded) -> bytes:
    """`value`, which is made of what `source` holds, as JSON. Raises `Refused` (400) where it cannot be written."""
    try:
        return encoded(value, odd=source.tree is UNPARSED)
    except NotJson as exc:
        raise Refused(400, f"the body: {exc}") from None


def values_by_name(text: str) -> dict[str, list[str]]:
    """A query string or URL-encoded form as lists of values by name, in order of first appearance.

    Bytes that are not UTF-8 become U+FFFD. Raises `Refused` (400) where there are more than 1,000 fields.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=1000, errors=EACH_BYTE)
    except ValueError:
        raise Refused(400, "expected at most 1000 fields") from None
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


class _Clock:
    """The present as text; the part down to the second is made once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def __call__(self) -> str:
        second, micros = divmod(time_ns() // 1000, 1_000_000)
        if second != self._second:
            self._second = second
            self._text = strftime("%Y-%m-%dT%H:%M:%S", gmtime(second))
        return f"{self._text}.{micros:06d}Z"


def rfc3339(us: int) -> str:
    """Microseconds since 1970 as RFC 3339 text, UTC."""
    second, micros = divmod(us, 1_000_000)
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(second))}.{micros:06d}Z"


now = _Clock()
"""The present as RFC 3339 text, UTC, microseconds."""


def metadata_tail(metadata: Mapping[str, str]) -> bytes:
    """What ends a data object: its metadata, where there is any, and the brace."""
    return b',"metadata":' + msgspec.json.encode(dict(sorted(metadata.items()))) + b"}" if metadata else b"}"
