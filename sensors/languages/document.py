"""The JSON data of one event, parsed at most once for all that look at it."""

import json
import re
from typing import Any, Final, NoReturn

import msgspec
import orjson

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]
"""What `msgspec.json.decode` gives; integers are exact, the last of repeated keys wins."""

_UNSET: Final[Any] = object()
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_MANY_DIGITS = re.compile(rb"[0-9]{309}|[eE]\+?[0-9]{3}")


class DocumentError(ValueError):
    """The text is no JSON, or holds what no template can see: a number beyond a double, nesting too deep."""


class NumberText(str):
    """A number of a document by its text."""

    __slots__ = ()


class _Repeated(Exception):
    """An object has a key twice."""


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Repeated
    return members


def _integer(digits: str) -> int | float:
    # Python refuses to convert more digits; a double does for what no machine integer can hold.
    return int(digits) if len(digits) <= _MAX_DIGITS else float(digits)


_MAX_DIGITS = 4300
_lenient = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=_integer)
_floats = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=float)
_texts = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_int=NumberText, parse_float=NumberText, object_pairs_hook=_unique
)


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        members.setdefault(key, value)
    return members


_firsts = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=float, object_pairs_hook=_first)


def paired(text: str) -> str:
    r"""JSON with U+FFFD for each half of a surrogate pair, as gjson reads it: one takes a `\u` escape after it along."""
    return _HALF.sub(_pair, text) if _MAY_BE_HALF.search(text) else text


_MAY_BE_HALF = re.compile(r"\\u[dD][89a-fA-F]")
_HALF = re.compile(r"\\(?:u([dD][89a-fA-F][0-9a-fA-F]{2})(?:\\u([0-9a-fA-F]{4}))?|.)", re.DOTALL)


def _pair(escape: re.Match[str]) -> str:
    first, second = escape.groups()
    if first is None or (int(first, 16) < 0xDC00 and second is not None and 0xDC00 <= int(second, 16) < 0xE000):
        return escape[0]
    return "\\ufffd"


def first_of_repeated(text: str) -> JsonValue:
    """Decode an object or a list with every number a float, of repeated keys the first; None for text that is no JSON."""
    try:
        decoded: JsonValue = _without_surrogates(_decode(_firsts, paired(text)))
    except (DocumentError, RecursionError):
        return None
    return decoded


def lenient_decode(text: str) -> JsonValue:
    """Decode JSON, lone surrogates (as U+FFFD) and numbers beyond a double included. Raises `DocumentError`."""
    decoded: JsonValue = _decode(_lenient, text)
    return decoded


def _decode(decoder: json.JSONDecoder, text: str) -> Any:
    try:
        return decoder.decode(text)
    except RecursionError:
        raise DocumentError("nested too deep") from None
    except ValueError as exc:
        raise DocumentError(f"not JSON: {exc}") from None


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(element) for element in value]
    if isinstance(value, dict):
        return {_LONE_SURROGATE.sub("\ufffd", key): _without_surrogates(member) for key, member in value.items()}
    return value


class Document:
    """JSON text and the views of it: nothing is parsed before it is asked for, and nothing twice.

    `tree` is for programs (last of repeated keys wins); `walkable` is for GJSON paths (they see the first, and number texts).
    Bytes that are not UTF-8 count as U+FFFD. Text that is no JSON has `valid` false and the error's reason in `problem`.
    """

    __slots__ = ("_exact", "_floats", "_lenient", "_text", "_tree", "_walkable", "problem", "raw")

    def __init__(self, raw: bytes, tree: object = _UNSET) -> None:
        self.raw = raw
        self.problem: str | None = None
        """Why it is no JSON; None until `valid` was asked, and where it is."""
        self._tree: Any = tree
        self._walkable: Any = _UNSET
        self._exact: bool | None = None
        self._lenient = False
        self._floats: Any = _UNSET
        self._text: str | None = None

    def _parse(self) -> None:
        try:
            self._tree = msgspec.json.decode(self.raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._exact = False
            self._lenient = True
            try:
                self._tree = _without_surrogates(lenient_decode(self.text))
            except DocumentError as exc:
                self._tree = None
                self.problem = str(exc)
            except RecursionError:
                self._tree = None
                self.problem = "nested too deep"

    @property
    def valid(self) -> bool:
        """Whether the text is JSON."""
        if self._tree is _UNSET:
            self._parse()
        return self.problem is None

    @property
    def tree(self) -> Any:
        """The whole value; None where the text is no JSON. Never change it."""
        if self._tree is _UNSET:
            self._parse()
        return self._tree

    @property
    def text(self) -> str:
        """The JSON text."""
        if self._text is None:
            self._text = self.raw.decode("utf-8", "replace")
        return self._text

    @property
    def exact(self) -> bool:
        """Whether writing the tree gives the text back byte for byte, so that the tree says all that paths can see."""
        if self._exact is None:
            tree = self.tree
            if self._exact is None:
                try:
                    self._exact = orjson.dumps(tree) == self.raw
                except TypeError:  # an integer beyond 64 bits
                    self._exact = False
        return self._exact

    @property
    def walkable(self) -> Any:
        """What a plain path may walk: the tree, or one with `NumberText` in it; None where only the text is right."""
        if self._walkable is _UNSET:
            self._walkable = self.tree if self.exact else self._with_texts()
        return self._walkable

    def _with_texts(self) -> Any:
        if not self.valid or self._lenient:
            return None
        try:
            return _decode(_texts, self.text)
        except (_Repeated, DocumentError):
            return None

    @property
    def floats(self) -> Any:
        """The tree as templates see it: every number a float, as Go decodes JSON. Raises `DocumentError`."""
        if self._floats is _UNSET:
            if not self.valid:
                raise DocumentError(self.problem or "not JSON")
            if not self.exact and _MANY_DIGITS.search(self.raw):
                _refuse_infinite(self.text)
            decoded = _decode(_floats, self.text)
            self._floats = _without_surrogates(decoded) if b"\\u" in self.raw else decoded
        return self._floats


def _refuse_infinite(text: str) -> None:
    def finite(number: str) -> float:
        value = float(number)
        if value in (float("inf"), float("-inf")):
            raise ValueError(f"{number[:20]}… does not fit a double")
        return value

    _decode(json.JSONDecoder(parse_int=finite, parse_float=finite), text)
