"""JSON that was received, decoded at most once.

Half a surrogate pair (`"\\ud83d"`, what is left of an emoji that somebody cut in two) and a number beyond a double (`1e400`) are
JSON to Argo Events and to most who write it. Strict decoders refuse them, and the event would be lost.
"""

import json
from typing import Any, NamedTuple, NoReturn

import msgspec

from eventbus.event import UNPARSED


class NotJson(ValueError):
    """The text is no JSON, or nests too deep. The message names the place, and nothing of what stands there."""


class Decoded(NamedTuple):
    """A text's value."""

    value: Any
    """Halves of pairs and infinities included."""
    tree: object
    """The value, where everybody decodes it so; else `UNPARSED`: who decides makes something of the text by rules of its own."""


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


_MOST_DIGITS = 4300
"""Python refuses to make an integer of more."""
_strict = msgspec.json.Decoder().decode
_lenient = json.JSONDecoder(parse_constant=_refuse, parse_int=_integer).decode


def decoded(text: bytes) -> Decoded:
    """The value of `text`. Raises `NotJson`."""
    try:
        value = _strict(text)
    except RecursionError:
        raise NotJson("nested too deeply") from None
    except UnicodeDecodeError:
        raise NotJson("it is not UTF-8") from None
    except msgspec.DecodeError as exc:
        return Decoded(_odd(text, str(exc)), UNPARSED)
    return Decoded(value, value)


def _odd(text: bytes, problem: str) -> Any:
    """The value of what the strict decoder refuses because of `problem`."""
    if not text.strip():
        raise NotJson("it is empty")
    try:
        return _lenient(text.decode())
    except RecursionError:
        raise NotJson("nested too deeply") from None
    except ValueError:  # the strict one names the place
        raise NotJson(problem.removeprefix("JSON is malformed: ")[:100]) from None


def encoded(value: object, *, odd: bool) -> bytes:
    """`value`, which is or is made of what `decoded` gave, as JSON; `odd` where that had no tree. Raises `NotJson`."""
    if not odd:
        return msgspec.json.encode(value)
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
    except ValueError:
        raise NotJson("a number beyond a double cannot be written anew") from None
