"""JSON documents: one parse, several views, no crash."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.languages.document import Document, DocumentError
from sensors.languages.gonumbers import format_float, parse_float

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.sampled_from([None, 1, "\t"]))
def test_the_tree_of_any_json_is_the_value_that_was_written(value: object, indent: int | str | None) -> None:
    document = Document(json.dumps(value, indent=indent).encode("utf-8", "surrogatepass"))
    assert document.valid
    assert document.tree == value


@given(st.binary(max_size=60))
def test_any_bytes_make_a_document_that_only_says_whether_it_is_json(raw: bytes) -> None:
    document = Document(raw)
    assert document.valid is (document.problem is None)
    assert document.walkable is None or document.valid


@pytest.mark.parametrize("raw", [b"", b"NaN", b"[1,]", b"{'a':1}", b'{"a":Infinity}', b"[1] 2", b'"\n"', b"[" * 500_000])
def test_what_is_not_json_is_not_valid_and_says_why(raw: bytes) -> None:
    document = Document(raw)
    assert not document.valid
    assert document.problem
    with pytest.raises(DocumentError):
        _ = document.floats


def test_programs_see_the_last_of_repeated_keys() -> None:
    assert Document(b'{"a":1,"a":2}').tree == {"a": 2}


def test_a_lone_surrogate_becomes_the_replacement_character() -> None:
    assert Document(b'{"a":"x\\ud800"}').tree == {"a": "x\ufffd"}
    assert Document(b'{"a":"x\\ud800"}').floats == {"a": "x\ufffd"}


def test_bytes_that_are_not_utf8_become_the_replacement_character() -> None:
    assert Document(b'{"a":"\xff"}').tree == {"a": "\ufffd"}


def test_integers_are_exact_in_the_tree_and_floats_in_templates() -> None:
    document = Document(b'{"a":12345678901234567890123,"b":[1,{"c":2}]}')
    assert document.tree["a"] == 12345678901234567890123
    assert json.dumps(document.floats) == '{"a": 1.2345678901234568e+22, "b": [1.0, {"c": 2.0}]}'


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"9" * 400, b"9" * 5000])
def test_a_number_beyond_a_double_is_json_but_nothing_for_templates(number: bytes) -> None:
    document = Document(b'{"a":' + number + b"}")
    assert document.valid
    with pytest.raises(DocumentError, match="double"):
        _ = document.floats


def test_a_tree_that_is_known_already_is_not_parsed_again() -> None:
    tree = {"a": 1}
    assert Document(b'{"a":1}', tree=tree).tree is tree


@given(st.floats(allow_nan=False))
def test_a_formatted_float_has_no_exponent_and_reads_back_the_same(number: float) -> None:
    text = format_float(number)
    assert "e" not in text
    assert parse_float(text) == number


@pytest.mark.parametrize(
    ("number", "text"), [(1e21, "1" + "0" * 21), (1e-7, "0.0000001"), (1.5, "1.5"), (-0.0, "-0"), (math.inf, "+Inf")]
)
def test_floats_are_written_as_go_writes_them(number: float, text: str) -> None:
    assert format_float(number) == text
