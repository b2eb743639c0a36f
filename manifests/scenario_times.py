"""Moments and spans of time as a `Scenario` writes them."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer, PlainValidator, WithJsonSchema

from manifests.fields import Duration, parse_duration

_YEARS_END = 2200
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ].*")
_EXPECTED_MOMENT = "expected +5m (after the step before), 5m (after the start) or a time such as 2026-01-31T12:00:00Z"


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a scenario's clock, as its author wrote it."""

    text: str
    after: timedelta | None = None
    """After the start, or after the step before; None where `time` says it."""
    follows: bool = False
    """Whether it counts from the step before."""
    time: datetime | None = None


def parse_moment(value: object) -> Moment:
    """Return the moment that `value` writes. Raises `ValueError`."""
    if isinstance(value, Moment):
        return value
    if not isinstance(value, str):
        raise ValueError(_EXPECTED_MOMENT)
    if _TIME.fullmatch(value):
        return Moment(value, time=parse_clock(value))
    try:
        after = parse_duration(value)
    except ValueError:
        raise ValueError(_EXPECTED_MOMENT) from None
    if after < timedelta(0):
        raise ValueError("time does not go back; " + _EXPECTED_MOMENT)
    return Moment(value, after=after, follows=value.startswith("+"))


def _parse_seen(value: object) -> Moment:
    moment = parse_moment(value)
    if moment.follows:
        raise ValueError("expected 5m (after the start) or a time such as 2026-01-31T12:00:00Z; there is no step before")
    return moment


def parse_clock(value: object) -> datetime:
    """Return the time, with its zone, that `value` writes. Raises `ValueError`."""
    if isinstance(value, datetime):
        return value
    try:
        moment = datetime.fromisoformat(str(value).replace("t", "T").replace("z", "Z"))
    except ValueError:
        raise ValueError("expected a time such as 2026-01-31T12:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError("the time has no zone; write for instance 2026-01-31T12:00:00Z")
    if not 1970 <= moment.year < _YEARS_END:
        raise ValueError(f"expected a year from 1970 to {_YEARS_END - 1}")
    return moment


def _forwards(span: timedelta) -> timedelta:
    if span < timedelta(0):
        raise ValueError("time does not go back")
    return span


def _parse_away(value: object) -> timedelta | None:
    if value is True:
        return timedelta(0)
    try:
        return None if value is None else parse_duration(value)
    except ValueError:
        raise ValueError("expected true, or how long the service is away, such as 30s") from None


At = Annotated[
    Moment,
    PlainValidator(parse_moment),
    PlainSerializer(lambda moment: moment.text, return_type=str),
    WithJsonSchema({"type": "string", "description": "5m: after the start; +5m: after the step before; or RFC 3339 time"}),
]
SeenAt = Annotated[
    Moment,
    PlainValidator(_parse_seen),
    PlainSerializer(lambda moment: moment.text, return_type=str),
    WithJsonSchema({"type": "string", "description": "5m: after the start; or RFC 3339 time"}),
]
Span = Annotated[Duration, AfterValidator(_forwards)]
"""A duration that is not below zero."""
Time = Annotated[
    datetime,
    PlainValidator(parse_clock),
    PlainSerializer(lambda moment: moment.isoformat(), return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Away = Annotated[timedelta | None, PlainValidator(_parse_away), WithJsonSchema({"type": ["boolean", "string"]})]
NOW = Moment("+0s", after=timedelta(0), follows=True)
