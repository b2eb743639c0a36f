"""JSON and numbers as text, as gojq writes them."""

import math
from collections.abc import Callable, Iterator
from typing import Any, Self

from purejq import encoder, ops

from sensors.languages.gonumbers import format_float
from sensors.languages.jq.bounds import MAX_SIZE, OutOfSteps, run

Json = Any
Function = Callable[..., Iterator[Json]]
"""One of the engine's: the outputs for a value."""


class NumberText(float):
    """A number that prints as it was read."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """From its text."""
        made = super().__new__(cls, text)
        made.text = text
        return made


def number_text(number: float) -> str:
    """A number in JSON as gojq writes it; an infinity is the largest number, no number is null."""
    if isinstance(number, NumberText):
        return number.text
    if isinstance(number, int):
        return str(number)
    if math.isnan(number):
        return "null"
    number = min(max(number, -1.7976931348623157e308), 1.7976931348623157e308)
    if number == 0 or 1e-6 <= abs(number) < 1e21:
        return "-0" if number == 0 and math.copysign(1.0, number) < 0 else format_float(number)
    mantissa, _, exponent = repr(number).partition("e")
    short = exponent[0] + exponent[1:].lstrip("0") if exponent[0] == "-" else exponent
    return f"{mantissa.removesuffix('.0')}e{short}"


def encode(value: Json, sort_keys: bool = False, ascii: bool = False) -> str:
    """JSON in gojq's spelling: members by key, no blanks."""
    del sort_keys, ascii
    parts: list[str] = []
    _encode(value, parts)
    text = "".join(parts)
    if len(text) > 8 * MAX_SIZE:
        raise OutOfSteps(f"a text grows past {8 * MAX_SIZE} characters")
    return text


def _encode(value: Json, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(encoder._escape_string(value))  # noqa: SLF001 - the engine's own spelling of strings
    elif value is None or isinstance(value, bool):
        parts.append("null" if value is None else "true" if value else "false")
    elif isinstance(value, int | float):
        parts.append(number_text(value))
    elif isinstance(value, list):
        _joined(parts, "[", "]", [(None, element) for element in value])
    else:
        _joined(parts, "{", "}", sorted(value.items()))


def _joined(parts: list[str], begin: str, end: str, members: list[tuple[str | None, Json]]) -> None:
    run.spend()
    parts.append(begin)
    for number, (key, member) in enumerate(members):
        if number:
            parts.append(",")
        if key is not None:
            parts.append(encoder._escape_string(key) + ":")  # noqa: SLF001
        _encode(member, parts)
    parts.append(end)


def described(value: Json) -> str:
    """A value in an error: its type, and how it begins."""
    return f"{ops.type_name(value)} ({ops._short(value)})"  # noqa: SLF001


def is_number(value: Json) -> bool:
    """Whether it is a number; truth values are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
