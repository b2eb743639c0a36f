"""What a `Scenario` lets its author write: what is given, what targets answer, and what is expected of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, WithJsonSchema, model_validator
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_before_validator_function

from manifests.fields import Spec
from manifests.scenario_times import NOW, At, Away, SeenAt, Span, Time

MAX_REPEATS = 2_000
MAX_EXPECTED = 500
"""Firings that are listed one by one."""
MAX_IN_ANY_ORDER = 5
"""Events whose every order is tried: 120 of them."""


class _OneOrMore:
    """A list, or its only item alone."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return no_info_before_validator_function(lambda value: value if isinstance(value, list) else [value], handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        many = handler(schema)
        return {"anyOf": [many["items"], many]}


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Id = Annotated[str, BeforeValidator(_as_text), WithJsonSchema({"type": ["string", "integer"]})]
"""An event's id; a number need not be put in quotes."""

_DEFAULT_START = "2026-01-05T12:00:00+00:00"


class GivenEvent(Spec):
    """One event as its source hands it over. `source` and `name` say which; without data there is none."""

    source: str = Field(min_length=1)
    """Name of the event source."""
    name: str = Field(min_length=1)
    """Name of the event in it."""
    id: Id = ""
    """The same id again is the same event again. Without it, events are numbered from 1 as they come."""
    type: str = ""
    """CloudEvents type; the kind of the event source unless said otherwise."""
    time: str | None = None
    """The event's own time, null where it has none; the moment it comes unless said otherwise."""
    datacontenttype: str | None = "application/json"
    data: Any = None
    """The data as JSON, as `tocsin events show` prints it."""
    text: str | None = None
    """The data as text."""
    base64: str | None = None
    """The data as bytes."""
    file: str | None = None
    """A file that holds the data, found from the folder of the scenario."""
    attributes: dict[str, str] = {}
    """The producer's own CloudEvents attributes."""

    @model_validator(mode="after")
    def _has_one_form_of_data(self) -> "GivenEvent":
        given = self.forms
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)}: an event has one of data, text, base64 and file")
        return self

    @property
    def forms(self) -> list[str]:
        """Which of the fields that give data are written."""
        return [name for name in ("data", "text", "base64", "file") if name in self.model_fields_set]


_SHORT_ANSWERS: Mapping[str, Mapping[str, object]] = {
    "ok": {},
    "hang": {"hangs": True},
    "unavailable": {"unavailable": "unavailable"},
    "refused": {"refused": "refused"},
}


class Answer(Spec):
    """What a target answers: `200`, `ok`, `unavailable`, `refused`, `hang`, or a mapping that says more."""

    status: int | None = Field(default=None, ge=100, le=599)
    """Judged as the `http` trigger judges it, by `policy.status` where that is declared."""
    retry_after: Span | None = None
    """What the target asks for with it."""
    unavailable: str | None = None
    """It fails so that trying again may help; the text is the reason."""
    refused: str | None = None
    """It fails for good; the text is the reason."""
    hangs: bool = False
    """It never answers, so the attempt ends at its deadline."""
    after: Span = Field(default=timedelta(0), json_schema_extra={"default": "0s"})
    """How long the answer takes."""
    times: int = Field(default=1, ge=1)
    """How often in a row it is given."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool):
            return {"status": value}
        if not isinstance(value, str):
            return value
        if value not in _SHORT_ANSWERS:
            raise ValueError("expected a status code, ok, unavailable, refused, hang, or a mapping of these with more")
        return _SHORT_ANSWERS[value]

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        whole = handler.resolve_ref_schema(handler(schema))
        return {"anyOf": [{"type": "integer"}, {"enum": [*_SHORT_ANSWERS]}, whole]}

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Answer":
        said = [self.status is not None, self.unavailable is not None, self.refused is not None, self.hangs]
        if sum(said) > 1:
            raise ValueError("an answer has one of status, unavailable, refused and hangs")
        return self


Answers = Annotated[list[Answer], Field(min_length=1), _OneOrMore()]
"""One answer after the other, over all attempts of the trigger; the last one goes on."""

Outcome = Literal[
    "open", "succeeded", "failed", "dead-lettered", "skipped", "superseded", "timed-out", "unknown", "looped"
]  # fmt: skip


class ExpectedFiring(Spec):
    """A firing. What is not written is not compared."""

    trigger: str = Field(min_length=1)
    """`SENSOR/TRIGGER`; `SENSOR/TRIGGER/dlqTrigger` for a dead-letter trigger."""
    events: list[Id] | None = None
    """Ids of the events that it was decided on, in any order."""
    at: SeenAt | None = None
    """When it was decided."""
    attempts: int | None = Field(default=None, ge=0)
    tried: list[SeenAt] | None = None
    """When each attempt began."""
    outcome: Outcome | None = None
    ended: SeenAt | None = None
    """When it ended."""
    reason: str | None = None
    """Part of what went wrong."""
    request: Any = None
    """Part of what is sent: every key that is written must be there with this value."""
    exactly: bool = False
    """`request` is all that is sent."""
    within: Span = Field(default=timedelta(milliseconds=10), json_schema_extra={"default": "10ms"})
    """How far times may be off."""

    @model_validator(mode="after")
    def _is_exact_about_something(self) -> "ExpectedFiring":
        if self.exactly and not self.compares_request:
            raise ValueError("exactly needs a request to compare with")
        return self

    @property
    def compares_request(self) -> bool:
        """Whether a request is written."""
        return "request" in self.model_fields_set


class NotFired(Spec):
    """An event that leads to no firing, and why."""

    event: Id
    sensor: str = ""
    """No firing of this sensor; without it, of none."""
    trigger: str = ""
    """No firing of this trigger, as `SENSOR/TRIGGER`."""
    reason: str = ""
    """Part of what `tocsin explain` says about it."""


class ExpectedVerdict(Spec):
    """What a dependency makes of an event."""

    event: Id
    sensor: str = Field(min_length=1)
    dependency: str = Field(min_length=1)
    matched: bool
    reason: str = ""
    """Part of the clause that decided and the value it saw."""


class Expectations(Spec):
    """What must have happened by now, since the start."""

    firings: list[ExpectedFiring] | None = Field(default=None, max_length=MAX_EXPECTED)
    """All of them, in any order."""
    others: Literal["refused", "allowed"] = "refused"
    """Whether there may be firings that are not listed."""
    not_fired: list[NotFired] = []
    verdicts: list[ExpectedVerdict] = []
    dead_letters: list[ExpectedFiring] | None = None
    """All firings that were given up."""
    repeats: int | None = Field(default=None, ge=0)
    """Deliveries that were recognised as events known already."""


class Step(Spec):
    """One thing that happens, or one look at what has happened."""

    at: At = Field(default=NOW, json_schema_extra={"default": "+0s"})
    """`5m` after the start, `+5m` after the step before, or a time; the moment of the step before unless said otherwise."""
    event: GivenEvent | None = None
    """An event comes in."""
    repeat: int = Field(default=1, ge=1, le=MAX_REPEATS)
    """It comes so often; with an `id` of its own it is the same event each time."""
    every: Span = Field(default=timedelta(0), json_schema_extra={"default": "0s"})
    """Time between two of them."""
    any_order: list[GivenEvent] | None = Field(default=None, min_length=2, max_length=MAX_IN_ANY_ORDER)
    """Events that come at this moment; the scenario is played once for each order of them."""
    restart: Away = None
    """The service is killed and comes back, at once (`true`) or after a time."""
    manifests: list[str] | None = Field(default=None, min_length=1)
    """From here on these files and folders are what is declared, as after an edit."""
    expect: Expectations | None = None
    """What must have happened by now."""


class ScenarioSpec(Spec):
    """`spec` of a scenario."""

    description: str = ""
    manifests: list[str] = ["."]
    """Files and folders with what is tested, found from the folder of the scenario; that folder unless said otherwise."""
    start: Time = Field(default=datetime.fromisoformat(_DEFAULT_START), json_schema_extra={"default": _DEFAULT_START})
    """What the clock shows at first."""
    calendars: bool = False
    """Whether the `calendar` event sources of the manifests run, on this clock."""
    targets: dict[str, Answers] = {}
    """What the target of a trigger answers, by `SENSOR/TRIGGER`; every other one takes all it is sent."""
    given: list[Step] = Field(min_length=1)
    """What happens, in the order of time."""
    until: At | None = None
    """When to look at the end; as soon as nothing is open unless said otherwise. `+5m` is after the last step."""
    expect: Expectations | None = None
    """What must have happened at the end."""
