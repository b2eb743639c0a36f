"""JSON that was received."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbus.event import UNPARSED
from sources.json_text import NotJson, decoded, encoded

ODD = [
    rb'{"a":"\ud83d"}',
    rb'["\udc00\ud800"]',
    b'{"n":1e400}',
    b'{"n":-1e999999999}',
    b"9" * 5000,
    b"1e" + b"9" * 5000,
    rb'{"\ud800 and on":1}',
]
NONE = [
    b"",
    b" ",
    b"nul",
    b"NaN",
    b"[Infinity]",
    b"[1,]",
    b"'a'",
    b"\xef\xbb\xbf{}",
    b'"\xff"',
    b'"\x01"',
    b"01",
    rb'"\ud83"',
    b"{} x",
]


@pytest.mark.parametrize("text", ODD)
def test_what_strict_decoders_refuse_is_json_without_a_tree(text: bytes) -> None:
    assert decoded(text).tree is UNPARSED


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_json_is_refused_with_the_place(text: bytes) -> None:
    with pytest.raises(NotJson) as refused:
        decoded(text)
    assert str(refused.value)


@pytest.mark.parametrize("text", [b"", b" \r\n"])
def test_of_nothing_it_is_said_that_it_is_nothing(text: bytes) -> None:
    with pytest.raises(NotJson, match=r"^it is empty$"):
        decoded(text)


def test_what_nests_too_deeply_is_refused() -> None:
    for inside in (b"", rb'"\ud83d"'):
        with pytest.raises(NotJson, match="nested too deeply"):
            decoded(b"[" * 200_000 + inside + b"]" * 200_000)


def test_what_is_odd_is_written_as_it_was_meant_or_not_at_all() -> None:
    assert encoded(decoded(ODD[0]).value, odd=True) == ODD[0]
    with pytest.raises(NotJson, match="beyond a double"):
        encoded(decoded(ODD[2]).value, odd=True)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_everything_else_has_its_value_for_a_tree(value: object) -> None:
    found = decoded(json.dumps(value).encode())
    assert found == (value, value)
    assert json.loads(encoded(found.value, odd=False)) == value
