"""What a `calendar` event source lets its author write."""

import re
from datetime import date, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, model_validator

from manifests.cron import Schedule, parse
from manifests.fields import Duration, Spec
from manifests.wall_clock import zone_of
from sources.http.endpoint import SourceFilter

CatchUp = Literal["all", "last", "none"]

_PREFIX = "EXDATE:"
_EXCLUDED = re.compile(r"(\d{8})(T\d{6}Z?)?")


def _check_zone(name: str) -> str:
    zone_of(name)
    return name


def _check_schedule(text: str) -> str:
    if text:
        parse(text, descriptors=True)
    return text


def _check_interval(text: str, info: ValidationInfo) -> str:
    if text and not info.data.get("schedule"):  # which wins, and then nobody looks at the interval
        parse(f"@every {text}", descriptors=True)
    return text


def _check_exclusions(entries: list[str]) -> list[str]:
    for entry in entries:
        excluded_days(entry)
    return entries


def excluded_days(entry: str) -> frozenset[date]:
    """The days of one entry: `EXDATE:20251224T000000Z,20251225T000000Z` or `2025-12-24`. Raises `ValueError`."""
    if not entry.startswith(_PREFIX):
        return frozenset({_iso(entry)})
    found = [_EXCLUDED.fullmatch(part.strip()) for part in entry.removeprefix(_PREFIX).split(",")]
    return frozenset(_iso(part[1] if part else entry) for part in found)


def _iso(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        expected = "expected EXDATE:20251224T000000Z (several with commas), or a day such as 2025-12-24"
        raise ValueError(f"{expected}, got {text!r}") from None


def _none_if_empty(given: object) -> object:
    return None if given == "" else given


class CatchUpOptions(Spec):
    """Whether runs that were missed are made up for."""

    enabled: bool = False
    max_duration: Annotated[Duration | None, BeforeValidator(_none_if_empty)] = None
    """How far back to look; without it, as far as the position goes."""


class PersistedIn(Spec):
    """Where Argo Events keeps the position. Here it is kept in the data folder."""

    name: str = ""
    create_if_not_exist: bool = False


class Persistence(Spec):
    """Argo Events' spelling of `catchUp: all`."""

    catchup: CatchUpOptions | None = None
    config_map: PersistedIn | None = None


class CalendarSpec(Spec):
    """When to emit."""

    schedule: Annotated[str, AfterValidator(_check_schedule)] = ""
    """Five cron fields, `@daily` and its like, or `@every 1h30m`. Wins over `interval`."""
    interval: Annotated[str, AfterValidator(_check_interval)] = ""
    """A fixed period of at least 1s, such as `30s` or `1h30m`; due at its multiples since 1970 UTC."""
    timezone: Annotated[str, AfterValidator(_check_zone)] = ""
    """Zone in which the schedule is read, such as `Europe/Lisbon`; UTC where it is empty."""
    exclusion_dates: Annotated[list[str], AfterValidator(_check_exclusions)] = []
    """Days, in the schedule's zone, on which nothing is due."""
    persistence: Persistence | None = None
    """As in Argo Events; `catchUp` says more."""
    catch_up: CatchUp | None = None
    """What to do about runs missed while the service was down or behind: `all`, the `last`, or `none` of them."""
    catch_up_limit: int = Field(default=1000, ge=1, le=10_000)
    """The most runs that are made up for at once; older ones are skipped, and that is said."""
    clock_change: Literal["once", "robfig"] = "once"
    """A time that a change of the clock leaves out or repeats: due `once`, or as robfig/cron has it: never, and twice."""
    metadata: dict[str, str] = {}
    """Copied into `data.metadata`."""
    filter: SourceFilter = None

    @model_validator(mode="after")
    def _is_due_some_time(self) -> Self:
        if not self.schedule and not self.interval:
            raise ValueError("missing schedule or interval; a calendar needs one of them")
        return self

    def when(self) -> Schedule:
        """The schedule."""
        if not self.schedule:
            return parse(f"@every {self.interval}", descriptors=True)
        return parse(
            self.schedule,
            self.timezone,
            descriptors=True,
            clock_change="shown" if self.clock_change == "robfig" else "once",
        )

    @property
    def excluded(self) -> frozenset[date]:
        """The days on which nothing is due."""
        return frozenset(day for entry in self.exclusion_dates for day in excluded_days(entry))

    @property
    def missed(self) -> CatchUp:
        """What to do about missed runs, in either spelling."""
        persisted = self.persistence is not None and self.persistence.catchup is not None and self.persistence.catchup.enabled
        return self.catch_up or ("all" if persisted else "none")

    def horizon(self, now: datetime) -> datetime | None:
        """Before this nothing is made up for; None where there is no such bound."""
        catchup = self.persistence.catchup if self.persistence is not None else None
        longest: timedelta | None = catchup.max_duration if catchup is not None else None
        return None if longest is None else now - longest
