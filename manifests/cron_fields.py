"""The five fields of a cron expression, as robfig/cron's standard parser reads them.

Names, ranges, steps, lists and `?`; no seconds, no weekday 7, no `L` or `#`.
"""

from typing import NamedTuple

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class Field(NamedTuple):
    """One field: its name and what it may hold."""

    name: str
    low: int
    high: int
    words: tuple[str, ...] = ()


FIELDS = (
    Field("minute", 0, 59),
    Field("hour", 0, 23),
    Field("day of month", 1, 31),
    Field("month", 1, 12, _MONTHS),
    Field("day of week", 0, 6, _DAYS),
)


class Values(NamedTuple):
    """What a field allows."""

    numbers: frozenset[int]
    any: bool
    """Written with `*` or `?` and no step, so that it leaves the choice of the day to the other day field."""
    starred: bool
    """Begins with `*` or `?`, or allows everything: it goes by the clock, not by a time of day."""


def read_fields(text: str) -> tuple[Values, ...]:
    """The fields of `text`. Raises `ValueError` with what is wrong and what is expected."""
    parts = text.split()
    if len(parts) != len(FIELDS):
        hint = "; there is no field for seconds" if len(parts) == len(FIELDS) + 1 else ""
        raise ValueError(f"expected five fields (minute, hour, day of month, month, day of week), got {len(parts)}{hint}")
    return tuple(_read(part, field) for part, field in zip(parts, FIELDS, strict=True))


def _read(text: str, field: Field) -> Values:
    # As the original, whose parser passes over what is empty between commas.
    parts = [part for part in text.split(",") if part] or [text]
    spans = [_span(part, field) for part in parts]
    numbers = frozenset(number for span, _ in spans for number in span)
    return Values(numbers, any(whole for _, whole in spans), parts[0][0] in "*?" or len(numbers) > field.high - field.low)


def _span(text: str, field: Field) -> tuple[range, bool]:
    """The numbers of one part of a list, and whether it is `*` or `?` without a step."""
    span, slash, step_text = text.partition("/")
    step = _digits(step_text) if slash else 1
    if not step:
        raise _fault(text, field, "a step is a whole number above 0")
    if span in ("*", "?"):
        return range(field.low, field.high + 1, step), step == 1
    first, dash, last = span.partition("-")
    start = _number(first, text, field)
    end = _number(last, text, field) if dash else field.high if slash else start
    if start > end:
        raise _fault(text, field, "a range goes from the smaller to the larger")
    return range(start, end + 1, step), False


def _number(word: str, text: str, field: Field) -> int:
    if word.lower() in field.words:
        return field.words.index(word.lower()) + field.low
    number = _digits(word)
    if number == 7 and field.high == 6:
        raise _fault(text, field, "Sunday is 0")
    if number is None or not field.low <= number <= field.high:
        raise _fault(text, field)
    return number


def _digits(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _fault(text: str, field: Field, hint: str = "") -> ValueError:
    names = f" or {field.words[0].upper()} to {field.words[-1].upper()}" if field.words else ""
    expected = f"the {field.name} must be {field.low} to {field.high}{names}, a range, a step or a list of them"
    return ValueError(f"{expected}, got {text!r}" + (f"; {hint}" if hint else ""))
