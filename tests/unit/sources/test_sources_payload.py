"""The parts that data is made of."""

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.http import payload
from sources.http.answers import Refused, problem
from sources.http.limits import Budget, Part, Saturated
from sources.http.payload import canonical_name, headers_for_data, parse_json, values_by_name


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (b"x-github-event", "X-Github-Event"),
        (b"X-GITHUB-EVENT", "X-Github-Event"),
        (b"te", "Te"),
        (b"x--y", "X--Y"),
        (b"1a-2B", "1a-2b"),
    ],
)
def test_header_names_are_written_as_go_writes_them(raw: bytes, canonical: str) -> None:
    assert canonical_name(raw) == canonical
    assert canonical_name(raw) == canonical, "and so when remembered"


def test_many_made_up_names_are_not_remembered() -> None:
    for number in range(5000):
        canonical_name(b"x-%d" % number)
    assert len(payload._names) <= 1024


def test_headers_are_sorted_lists_with_credentials_masked() -> None:
    raw = [(b"X-B", b"1"), (b"authorization", b"Basic c2VjcmV0"), (b"Host", b"h"), (b"x-b", b"2"), (b"X-A", b"\xff\xe2\x82|")]
    assert list(headers_for_data(raw).items()) == [
        ("Authorization", ["*** Masked Auth Secret ***"]),
        ("X-A", ["\ufffd\ufffd\ufffd|"]),
        ("X-B", ["1", "2"]),
    ]


def _refusal(read: Callable[[], object]) -> Refused | None:
    try:
        read()
    except Refused as refused:
        return refused
    return None


@given(st.binary(max_size=200))
def test_json_is_parsed_or_refused_and_never_echoed(body: bytes) -> None:
    refused = _refusal(lambda: parse_json(body))
    if refused is not None:
        assert refused.status == 400
        assert len(refused.detail) < 200
        assert json.loads(problem(refused).wire.partition(b"\r\n\r\n")[2])["status"] == 400


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_what_python_writes_as_json_is_read_back(value: object) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == (value, value)


@given(st.text(max_size=200))
def test_a_query_is_read_or_refused(text: str) -> None:
    refused = _refusal(lambda: values_by_name(text))
    if refused is None:
        assert all(values_by_name(text).values())
    else:
        assert refused.status == 400


@pytest.mark.parametrize(("retry_after_s", "said"), [(0.0, b"1"), (0.2, b"1"), (1.0, b"1"), (1.1, b"2"), (59.5, b"60")])
def test_retry_after_is_whole_seconds_and_at_least_one(retry_after_s: float, said: bytes) -> None:
    assert b"Retry-After: " + said + b"\r\n" in problem(Refused(503, "later", retry_after_s=retry_after_s)).wire


def test_the_budget_lets_one_pass_alone_and_counts_the_rest() -> None:
    budget = Budget(10)
    budget.take(50)
    with pytest.raises(Saturated):
        budget.take(1)
    budget.give_back(50)
    budget.take(6)
    with pytest.raises(Saturated):
        budget.take(5)
    assert budget.used == 6


def test_an_endpoint_holds_no_more_than_it_leaves_free_and_the_others_find_room() -> None:
    budget = Budget(100)
    noisy, quiet = Part(budget), Part(budget)
    for _ in range(5):
        noisy.take(10)
    with pytest.raises(Saturated):
        noisy.take(10)
    quiet.take(25)
    with pytest.raises(Saturated):
        quiet.take(1)
    noisy.give_back(50)
    quiet.take(12)
    assert (noisy.used, quiet.used, budget.used, budget.free) == (0, 37, 37, 63)
