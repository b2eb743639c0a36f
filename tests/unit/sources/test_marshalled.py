"""JSON text as Go's `json.Marshal` writes what it is given."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sources.marshalled import marshalled


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        (b"{}", b"{}"),
        (b' { "a" : [ 1 , 2 ] ,\r\n\t"b":null} ', b'{"a":[1,2],"b":null}'),
        (b'{"a": 1.10, "a": 12345678901234567890123, "b": 1E5}', b'{"a":1.10,"a":12345678901234567890123,"b":1E5}'),
        (b'"a b\\t\\u00e9"', b'"a b\\t\\u00e9"'),
        (b'["<a href=\\"x\\">&amp;"]', rb'["\u003ca href=\"x\"\u003e\u0026amp;"]'),
        ('"\u2028\u2029"'.encode(), rb'"\u2028\u2029"'),
        (rb'{ "a \" b" : ["\ud83d <x>", "\\"] }', rb'{"a \" b":["\ud83d \u003cx\u003e","\\"]}'),
        (b"[ 1e400 ]", b"[1e400]"),
        ('"\u20ac \u00e9 \U0001f600"'.encode(), '"\u20ac \u00e9 \U0001f600"'.encode()),
    ],
)
def test_white_space_goes_and_html_is_escaped(sent: bytes, written: bytes) -> None:
    assert marshalled(sent) == written


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(_VALUES, st.sampled_from([None, 0, 3]), st.booleans())
def test_the_meaning_stays(value: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    written = marshalled(text)
    assert json.loads(written) == value
    assert not set(b"<>&") & set(written)
    assert marshalled(written) == written


def test_what_is_written_so_already_is_not_copied() -> None:
    text = b'{"a":"' + b"x" * 1_000_000 + b'"}'
    assert marshalled(text) is text
