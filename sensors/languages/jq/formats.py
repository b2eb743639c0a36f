"""`@csv`, `@base64d`, … and `format`, as gojq has them; and texts of times, with years of four digits."""

import base64
import binascii
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from purejq import builtins
from purejq.errors import JqError

from sensors.languages.jq.text import Function, Json, described, encode


def _text(value: Json) -> str:
    return value if isinstance(value, str) else encode(value)


def _base64d(value: Json) -> str:
    said = _text(value).replace("\r", "").replace("\n", "").rstrip("=")
    try:
        if len(said) % 4 == 1:
            raise ValueError("a character is left over")
        return base64.b64decode(said + "=" * (-len(said) % 4), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise JqError(f"@base64d cannot be applied to: {described(value)}") from None


_OURS: Mapping[str, Callable[[Json], str]] = {"base64d": _base64d}
_plain_format = builtins.apply_format


def apply_format(name: str, value: Json) -> str:
    """The text of `value` in the format `name`. Raises `JqError`."""
    ours = _OURS.get(name)
    if name in ("csv", "tsv") and isinstance(value, list):
        value = [None if isinstance(one, float) and math.isnan(one) else one for one in value]  # a cell without a number is empty
    made: str = ours(value) if ours is not None else _plain_format(name, value)
    return made.replace("\0", "\\0") if name == "sh" else made


def format_by_name(value: Json, env: object, names: Any) -> Iterator[Json]:
    """`format("csv")`."""
    del env
    for name in names.vals(value):
        if not isinstance(name, str):
            raise JqError(f"format({encode(name)}) cannot be applied to: {described(value)}")
        yield apply_format(name, value)


def with_years(plain: Function) -> Function:
    """`strftime`, whose years have four digits, whichever the machine's own gives them."""

    def strftime(value: Json, env: object, layouts: Any) -> Iterator[Json]:
        for layout in layouts.vals(value):
            given = layout
            if isinstance(layout, str) and "%Y" in layout:
                year = next(iter(plain(value, env, _One("%Y"))))
                given = _with_year(layout, int(year))
            yield from plain(value, env, _One(given))

    return strftime


def _with_year(layout: str, year: int) -> str:
    shown = f"-{-year:03d}" if year < 0 else f"{year:04d}"
    return "%%".join(part.replace("%Y", shown) for part in layout.split("%%"))


class _One:
    """An argument that is one value."""

    def __init__(self, value: Json) -> None:
        self._value = value

    def vals(self, value: Json) -> list[Json]:
        """Whatever it is applied to."""
        del value
        return [self._value]


def within_time(plain: Function) -> Function:
    """A function of times, for which a time that the machine cannot tell is an error of the program."""

    def call(value: Json, env: object, *arguments: Any) -> Iterator[Json]:
        try:
            yield from plain(value, env, *arguments)
        except (OSError, OverflowError, ValueError) as exc:
            raise JqError(f"{described(value)} is no time: {exc}") from None

    return call
