"""Numbers and truth as Go's strconv writes and reads them."""

import math
import re
from functools import lru_cache

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_UNDERSCORED = re.compile(
    r"[+-]?(?:[0-9](?:_?[0-9])*(?:\.(?:[0-9](?:_?[0-9])*)?)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9](?:_?[0-9])*)?"
)
_HEXADECIMAL = re.compile(r"[+-]?0[xX]_?(?=[0-9a-fA-F.])[0-9a-fA-F_]*\.?[0-9a-fA-F_]*[pP][+-]?[0-9]+")
_SPECIAL = re.compile(r"[+-]?inf(?:inity)?|nan", re.IGNORECASE)

_TRUTHS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}


def format_float(number: float) -> str:
    """`strconv.FormatFloat(number, 'f', -1, 64)`: the shortest digits that read back the same, never an exponent."""
    text = repr(number)
    if "e" not in text:
        if text.endswith(".0"):
            return text[:-2]
        return _GO_SPECIALS.get(text, text)
    sign = "-" if text.startswith("-") else ""
    mantissa, _, exponent = text.removeprefix("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    point = len(whole) + int(exponent)
    digits = whole + fraction
    if point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    return sign + digits.ljust(point, "0")


def format_general(number: float) -> str:
    """`fmt.Sprint(number)`: the shortest digits, with an exponent below 1e-4 and from 1e+06 on."""
    if not math.isfinite(number):
        return format_float(number)
    if number == 0:
        return "-0" if math.copysign(1.0, number) < 0 else "0"
    plain = format_float(abs(number))
    whole, _, fraction = plain.partition(".")
    digits = (whole + fraction).lstrip("0")
    exponent = len(whole) - 1 if whole != "0" else len(fraction.lstrip("0")) - len(fraction) - 1
    sign = "-" if number < 0 else ""
    if -4 <= exponent < _FIRST_EXPONENT:
        return sign + plain
    digits = digits.rstrip("0") or "0"
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{sign}{mantissa}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


_FIRST_EXPONENT = 6
"""From 1e+06 on `fmt` writes an exponent."""

_GO_SPECIALS = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


def parse_float(text: str) -> float | None:
    """`strconv.ParseFloat(text, 64)`: None where it is a syntax error; what is out of range is an infinity.

    Beside decimals: `inf`, `infinity` and `nan` in any case, hexadecimal floats with a `p` exponent, and `_` between digits.
    """
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _SPECIAL.fullmatch(text):
        return float(text)
    if _UNDERSCORED.fullmatch(text):
        return float(text.replace("_", ""))
    if _HEXADECIMAL.fullmatch(text):
        return _hexadecimal(text)
    return None


def _hexadecimal(text: str) -> float | None:
    if "__" in text or re.search(r"_[.pP]|[.]_", text):
        return None
    try:
        return float.fromhex(text.replace("_", ""))
    except OverflowError:
        return float("-inf") if text.startswith("-") else float("inf")


def float_or_zero(text: str) -> float:
    """What Go code gets that ignores the error of `ParseFloat`: 0 for what is no number."""
    number = parse_float(text)
    return 0.0 if number is None else number


def parse_bool(text: str) -> bool | None:
    """`strconv.ParseBool(text)`: None where it is an error."""
    return _TRUTHS.get(text)


@lru_cache(maxsize=1024)
def lower(text: str) -> str:
    """`strings.ToLower(text)` for comparisons with ASCII words."""
    return text.lower()
