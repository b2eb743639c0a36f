"""How context filters decide and kinds of filter combine, as the original does it."""

import pytest
from deciding_helpers import J, a_dependency, an_event

from sensors.bound import EventView
from sensors.filters.check import check_dependency
from sensors.filters.combine import compile_filters
from sensors.filters.held import Held

YES, NO, ERROR, ABSENT = Held.YES, Held.NO, Held.ERROR, Held.ABSENT
HIT = {"path": "k", "type": "string", "value": ["v"]}
MISS = {"path": "nope", "type": "string", "value": ["v"]}
WRONG = {"path": "k", "type": "string", "value": ["zzz"]}
BROKEN = {"path": "k", "type": "string", "value": ["("]}
DATA = {"true": [HIT], "false": [WRONG], "absent": [MISS], "error": [BROKEN]}
CONTEXT = {"true": {"type": "webhook"}, "false": {"type": "other"}}


def asked(filters: dict | None, operator: str = "", **event) -> tuple[Held, str]:
    compiled = compile_filters(a_dependency(filters=filters, filtersLogicalOperator=operator))
    view = EventView(an_event(J, **event))
    held = compiled.holds(view)
    return held, "" if held is YES else compiled.why(view)


@pytest.mark.parametrize(
    ("context", "data", "with_and", "with_or"),
    [
        ("true", "true", YES, YES),
        ("true", "false", NO, YES),
        ("false", "true", NO, YES),
        ("false", "false", NO, NO),
        ("true", "error", ERROR, ERROR),
        ("true", "absent", ABSENT, ABSENT),
        ("false", "error", ERROR, ERROR),
        ("false", "absent", ABSENT, ABSENT),
        ("true", None, YES, YES),
        ("false", None, NO, NO),
        (None, "true", YES, YES),
        (None, "false", NO, NO),
        (None, "error", ERROR, ERROR),
        (None, "absent", ABSENT, ABSENT),
    ],
)
def test_the_truth_table_of_two_kinds(context: str | None, data: str | None, with_and: Held, with_or: Held) -> None:
    filters: dict = {}
    if context is not None:
        filters["context"] = CONTEXT[context]
    if data is not None:
        filters["data"] = DATA[data]
    assert asked(filters)[0] is with_and
    assert asked(filters, "and")[0] is with_and
    assert asked(filters, "or")[0] is with_or


def test_no_filters_accept_everything_and_empty_ones_joined_by_or_nothing() -> None:
    assert asked(None)[0] is YES
    assert asked(None, "or")[0] is YES
    assert asked({})[0] is YES
    assert asked({}, "or") == (NO, "filters: joined by 'or', but there are none")


@pytest.mark.parametrize(
    ("context", "expected", "reason"),
    [
        ({"type": "webhook"}, YES, ""),
        ({"type": "Webhook"}, NO, 'context type: "webhook" is not "Webhook"'),
        ({"source": "source", "subject": "name"}, YES, ""),
        ({"subject": "other"}, NO, 'context subject: "name" is not "other"'),
        ({"source": "other"}, NO, 'context source: "source" is not "other"'),
        ({"datacontenttype": "application/json"}, YES, ""),
        ({"datacontenttype": "text/plain"}, NO, 'context datacontenttype: "application/json" is not "text/plain"'),
        ({"id": "other", "specversion": "9", "time": "2001-01-01T00:00:00Z"}, YES, ""),
        ({"type": "", "subject": ""}, YES, ""),
    ],
)
def test_context_is_exact_equality_of_four_attributes(context: dict, expected: Held, reason: str) -> None:
    assert asked({"context": context}) == (expected, reason)


def test_an_absent_content_type_equals_nothing_given() -> None:
    assert asked({"context": {"datacontenttype": "application/json"}}, datacontenttype=None)[0] is NO


def test_the_reason_is_that_of_the_first_kind_that_does_not_hold() -> None:
    assert asked({"data": [WRONG], "context": {"type": "other"}})[1] == 'data k: "v" matches none of ["zzz"]'
    assert asked({"data": [HIT], "context": {"type": "other"}})[1] == 'context type: "webhook" is not "other"'


def test_the_reason_under_or_names_all_kinds_or_the_error_that_rejects() -> None:
    both = asked({"data": [WRONG], "context": {"type": "other"}}, "or")[1]
    assert both == 'data k: "v" matches none of ["zzz"]; context type: "webhook" is not "other"'
    assert asked({"data": [MISS], "context": {"type": "webhook"}}, "or") == (
        ABSENT,
        "data nope: there is no such value in the event",
    )


@pytest.mark.parametrize(
    ("clause", "place", "severity"),
    [
        ({"type": "string", "value": ["("]}, "filters.data[0].value[0]", "error"),
        ({"type": "string", "value": ["ok", "("]}, "filters.data[0].value[1]", "warning"),
        ({"type": "string", "value": ["ok"], "template": "{{"}, "filters.data[0].template", "error"),
        ({"type": "number", "value": ["x"]}, "filters.data[0].value[0]", "warning"),
        ({"type": "bool", "value": ["yes"]}, "filters.data[0].value[0]", "warning"),
    ],
)
def test_what_cannot_work_is_found_before_any_event_comes(clause: dict, place: str, severity: str) -> None:
    found = [(where, how) for where, _, how in check_dependency(a_dependency(data=[{"path": "k"} | clause]))]
    assert found == [(place, severity)]
