"""GJSON paths: what they find, in every layout of a document, and what they cost when they are hostile."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.languages.document import Document
from sensors.languages.gjson import MAX_PATH_CHARACTERS, MISSING, PathError, compile_path, walk
from sensors.languages.gjson_search import get
from sensors.languages.jsontext import Kind

PUSH = b'{"body":{"ref":"refs/heads/main","n":1.50,"big":12345678901234567890,"z":null,"commits":[{"id":"1"},{"id":"2"}]}}'

KEYS = st.sampled_from(["a", "b", "0", "1", "k-1", "é", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**63) | st.sampled_from(["", "x", "<", "\u2028"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("body.ref", "refs/heads/main", Kind.STRING),
        ("body.n", "1.5", Kind.NUMBER),
        ("body.big", "12345678901234567890", Kind.NUMBER),
        ("body.z", "", Kind.NULL),
        ("body.commits.1.id", "2", Kind.STRING),
        ("body.commits.#", "2", Kind.NUMBER),
        ("body.commits.#.id", '["1","2"]', Kind.JSON),
        ('body.commits.#(id=="2").id', "2", Kind.STRING),
        ("body.r*", "refs/heads/main", Kind.STRING),
        ("body.commits", '[{"id":"1"},{"id":"2"}]', Kind.JSON),
        ("zz.@keys", "[]", Kind.JSON),
    ],
)
def test_a_path_finds_text_and_kind(path: str, text: str, kind: Kind) -> None:
    found = compile_path(path).get(Document(PUSH))
    assert (found.exists, found.text, found.kind) == (True, text, kind)


@pytest.mark.parametrize("path", ["", "body.zz", "body.ref.x", "body.commits.2", "body.commits.-1", "body.ref,body.n", "body.#"])
def test_a_path_that_leads_nowhere_does_not_exist(path: str) -> None:
    found = compile_path(path).get(Document(PUSH))
    assert not found.exists
    assert (found.text, found.raw, found.number, found.truth, found.value) == ("", "", 0.0, False, None)


@pytest.mark.parametrize("path", ["a", "@this", "#", "a.b", "!1"])
def test_nothing_exists_in_what_is_not_json(path: str) -> None:
    assert not compile_path(path).get(Document(b"{broken")).exists


@given(VALUES, st.lists(KEYS, min_size=1, max_size=4), st.sampled_from([None, 2]))
def test_walking_the_tree_finds_what_searching_the_text_finds(value: object, keys: list[str], indent: int | None) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    compiled = compile_path(".".join(keys))
    searched = get(text, compiled.text).raw
    found = compiled.get(Document(text.encode()))
    assert found.exists is bool(searched)
    assert found.raw == searched
    if found.exists:
        assert found.value == json.loads(searched)


def test_paths_see_the_first_of_repeated_keys_and_go_on_to_the_next_that_fits() -> None:
    document = Document(b'{"a":"x","a":{"b":1}}')
    assert compile_path("a").get(document).text == "x"
    assert compile_path("a.b").get(document).text == "1"


def test_what_is_found_keeps_the_layout_it_had() -> None:
    assert compile_path("a").get(Document(b'{"a": { "b" : 1.0 } }')).raw == '{ "b" : 1.0 }'


@pytest.mark.parametrize(
    ("document", "number", "truth"),
    [
        ('"1e2"', 100.0, False),
        ("true", 1.0, True),
        ("null", 0.0, False),
        ('"TRUE"', 0.0, True),
        ("0", 0.0, False),
        ("[1]", 0.0, False),
        ("7", 7.0, True),
    ],
)
def test_numbers_and_truth_are_those_of_the_original(document: str, number: float, truth: bool) -> None:
    for layout in ('{"a":%s}', '{ "a": %s }'):
        found = compile_path("a").get(Document((layout % document).encode()))
        assert (found.number, found.truth) == (number, truth)


def test_plain_paths_name_their_keys_and_others_do_not() -> None:
    assert compile_path("body.commits.0").plain == ("body", "commits", "0")
    assert all(compile_path(path).plain is None for path in ("a*", "a.#", "a|b", "a\\.b", "@this", "..a", "{a}", ""))


def test_walking_tells_missing_from_null() -> None:
    assert walk({"a": None}, ("a",)) is None
    assert walk({"a": None}, ("b",)) is MISSING


def test_the_same_text_is_compiled_once() -> None:
    assert compile_path("a.b") is compile_path("a.b")


def test_a_path_longer_than_any_can_be_is_refused() -> None:
    with pytest.raises(PathError, match="characters"):
        compile_path("a" * (MAX_PATH_CHARACTERS + 1))


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("*a*a*a*a*a*a*a*a*b", '{"' + "a" * 20_000 + '":1}'),
        ('[b].#(%"*a*a*a*a*a*a*a*b")', '{"b":"' + "a" * 20_000 + '"}'),
        (".".join(["a"] * 5_000), "{}"),
        ("[" * 2_000 + "a" + "]" * 2_000, "{}"),
        ("|".join(["@tostr"] * 60), '{"a":"\\""}'),
        ("@dig:zz", '{"a":' * 800 + json.dumps([{"i": 1}] * 20_000) + "}" * 800),
    ],
)
def test_hostile_paths_end_and_find_nothing(path: str, document: str) -> None:
    began = time.process_time()
    assert not compile_path(path).get(Document(document.encode())).exists
    assert time.process_time() - began < 20
