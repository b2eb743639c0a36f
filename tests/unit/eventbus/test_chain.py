"""What links events and firings to a chain, in headers and back."""

from hypothesis import given
from hypothesis import strategies as st

from eventbus.chain import CAUSATION, CORRELATION, HOPS, LONGEST_ID, Chain, caused_by, continued, unquoted
from eventbus.event import Event

FIRING = "c" * 32


def an_event(id: str = "e1", **given: object) -> Event:
    return Event(namespace="default", source="s", name="n", id=id, type="t", time=None, data=None, **given)  # type: ignore[arg-type]


def told(headers: dict[str, str]) -> Event:
    return continued(an_event(), unquoted(headers.get(CORRELATION)), headers.get(CAUSATION), headers.get(HOPS))


@given(correlation=st.text(min_size=1, max_size=80), hops=st.integers(0, 999_999))
def test_what_a_trigger_tells_a_source_understands(correlation: str, hops: int) -> None:
    headers = dict(Chain(correlation, FIRING, hops).headers())
    assert all(value.isascii() and value.isprintable() and " " not in value for value in headers.values())
    event = told(headers)
    assert (event.causation, event.hops) == (FIRING, hops)
    if correlation.isprintable():
        assert event.correlation == correlation


def test_a_correlation_that_is_too_long_for_a_header_is_left_out() -> None:
    assert dict(Chain("x" * LONGEST_ID, FIRING, 1).headers())[CORRELATION] == "x" * LONGEST_ID
    assert dict(Chain("ü" * LONGEST_ID, FIRING, 1).headers()) == {CAUSATION: FIRING, HOPS: "1"}
    assert CORRELATION not in dict(Chain("", FIRING, 1).headers())


@given(
    correlation=st.one_of(st.none(), st.just(""), st.just("a\x1bb"), st.just("x" * (LONGEST_ID + 1))),
    causation=st.one_of(st.none(), st.just("c" * 31), st.just("C" * 32), st.just("../etc/passwd")),
    hops=st.one_of(st.none(), st.sampled_from(["", "-1", "1e3", "٣", "9999999", " 1", "0x1"])),
)
def test_what_cannot_be_meant_is_passed_over(correlation: str | None, causation: str | None, hops: str | None) -> None:
    assert continued(an_event(), correlation, causation, hops) == an_event()


def test_hops_are_never_fewer_than_the_event_has() -> None:
    assert continued(an_event(hops=5), None, None, "3").hops == 5


def test_an_event_named_by_a_firing_came_from_it() -> None:
    assert caused_by(an_event(FIRING)) == FIRING
    assert caused_by(an_event(FIRING, causation="d" * 32)) == "d" * 32
    assert caused_by(an_event("c" * 31)) is None
