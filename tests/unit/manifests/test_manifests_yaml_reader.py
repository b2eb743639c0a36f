"""Reading bytes into documents: places, separators, JSON, merges, and text that means harm."""

import time
from typing import Any

import pytest

from manifests.problems import Problem
from manifests.yaml_nodes import MAX_DEPTH, MAX_NODES, YamlError
from manifests.yaml_reader import MAX_DOCUMENTS, Document, guess_ref, read_documents
from manifests.yaml_scalars import CORE, KUBERNETES
from manifests.yaml_values import build, place


def values(data: bytes | str, schema: Any = KUBERNETES) -> list[Any]:
    found = []
    for one in read_documents("f", data.encode() if isinstance(data, str) else data):
        if isinstance(one, Problem):
            found.append(one)
            continue
        faults: list[YamlError] = []
        found.append(build(one.root, schema, faults))
        found.extend(faults)
    return found


def only(data: bytes | str) -> Problem:
    (problem,) = values(data)
    assert isinstance(problem, Problem), problem
    return problem


def fault(data: bytes | str) -> YamlError:
    (found,) = [one for one in values(data) if isinstance(one, YamlError)]
    return found


def test_every_value_and_key_knows_its_place() -> None:
    text = "# first\n---\nspec:\n  ports:\n    - {a: 1, \"b c\": [x, y]}\n    - 'z'\n"
    (document,) = read_documents("f", text.encode())
    assert isinstance(document, Document)
    build(document.root, KUBERNETES, [])
    assert place(document.root, ()) == (3, 1)
    assert place(document.root, ("spec", "ports")) == (5, 5)
    assert place(document.root, ("spec", "ports", 0, "a")) == (5, 11)
    assert place(document.root, ("spec", "ports", 0, "b c"), key=True) == (5, 14)
    assert place(document.root, ("spec", "ports", 0, "b c", 1)) == (5, 25)
    assert place(document.root, ("spec", "ports", 1)) == (6, 7)
    assert place(document.root, ("spec", "ports", 1, "missing", 4)) == (6, 7)
    assert place(None, ("spec",)) == (0, 0)


def test_columns_count_characters_not_bytes() -> None:
    assert fault("ä: {ö: 1, ö: 2}\n").column == 11


def test_documents_are_split_at_separator_lines_and_keep_their_lines() -> None:
    text = "a: 1\n---\n--- # nothing\n---\r\nb: 2\n---\n# only a comment\n"
    assert values(text) == [{"a": 1}, {"b": 2}]
    problem = next(one for one in values("a: 1\n---\nb: [\n---\nc: 3\n") if isinstance(one, Problem))
    assert (problem.line, problem.column) == (4, 1)


def test_a_broken_document_leaves_its_neighbours_alone() -> None:
    first, broken, last = values("a: 1\n---\n{{ template }}: [\n---\nc: 3\n")
    assert (first, last) == ({"a": 1}, {"c": 3})
    assert isinstance(broken, Problem)


def test_a_separator_inside_a_line_or_indented_does_not_split() -> None:
    assert values("a: |\n  ---\n  text\nb: x---\n") == [{"a": "---\ntext\n", "b": "x---"}]


def test_text_on_the_separator_line_keeps_its_column() -> None:
    assert fault("a: 1\n--- {b: 1, b: 2}\n").line == 2
    assert fault("a: 1\n--- {b: 1, b: 2}\n").column == 12


def test_directives_and_a_byte_order_mark_are_accepted() -> None:
    assert values(b"\xef\xbb\xbf%YAML 1.1\n---\na: 1\n") == [{"a": 1}]


def test_empty_text_holds_no_document() -> None:
    assert values("") == values("\n \n") == values("# x\n") == []


def test_json_is_read_with_surrogate_pairs_and_as_a_stream() -> None:
    text = '{"a":\t"\\ud83d\\ude00", "b": "\\\\ud83d\\\\ude00"}\n{"c": [1.5, null, true]} {"d": "\\/"}'
    assert values(text) == [{"a": "😀", "b": "\\ud83d\\ude00"}, {"c": [1.5, None, True]}, {"d": "/"}]


def test_the_second_object_of_a_json_stream_keeps_its_place() -> None:
    found = fault('{"a": 1}\n {"b": 1} {"c": 1, "c": 2}')
    assert (found.line, found.column) == (2, 20)


def test_flow_yaml_is_not_taken_for_json() -> None:
    assert values("{a: '\\ud83d\\ude00', b: yes}") == [{"a": "\\ud83d\\ude00", "b": True}]


def test_the_same_text_reads_differently_by_dialect() -> None:
    text = "on: 0644\nw: yes\n"
    assert values(text, KUBERNETES) == [{"true": 420, "w": True}]
    assert values(text, CORE) == [{"on": 644, "w": "yes"}]


def test_quoted_text_stays_text_and_standard_tags_hold() -> None:
    assert values("a: '5'\nb: \"yes\"\nc: !!str 5\nd: !!int '5'\ne: ! 6\nf: !!float 2.5\ng: !!timestamp 2001-01-01\n") == [
        {"a": "5", "b": "yes", "c": "5", "d": 5, "e": "6", "f": 2.5, "g": "2001-01-01"}
    ]


def test_merge_keys_fill_in_and_never_override() -> None:
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\none: {<<: *x, b: 9}\nmany: {<<: [*x, *y]}\nquoted: {'<<': 1}\n"
    (value,) = values(text)
    assert value["one"] == {"a": 1, "b": 9}
    assert value["many"] == {"a": 1, "b": 1, "c": 2}
    assert value["quoted"] == {"<<": 1}
    assert "mappings only" in fault("a: {<<: 5}").message


def test_an_anchor_may_be_defined_again() -> None:
    assert values("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == [{"a": 1, "b": 1, "c": 2, "d": 2}]


BOMB = b"a: &a [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + i, 98 + i, b", ".join([b"*%c" % (97 + i)] * 10)) for i in range(9)
)
MERGE_BOMB = b"a: &a {" + b", ".join(b"k%d: 1" % i for i in range(100)) + b"}\n" + b"".join(
    b"%c: &%c {<<: [%s]}\n" % (98 + i, 98 + i, b", ".join([b"*%c" % (97 + i)] * 10)) for i in range(9)
)  # fmt: skip


@pytest.mark.parametrize(
    ("data", "line", "column", "words"),
    [
        (BOMB, 6, None, "aliases expand to more than"),
        (MERGE_BOMB, None, None, "aliases expand to more than"),
        (b"a: &a [*a]\n", 1, 8, "contains itself"),
        (b"a: &a {<<: *a}\n", 1, 12, "contains itself"),
        (b"a: *nobody\n", 1, 4, "names no anchor"),
        (b"x: &x " + b"[" * 100 + b"]" * 100 + b"\ny: " + b"[" * 50 + b"*x" + b"]" * 50, 2, 54, "aliases nest"),
        (b"a: \x00\n", 1, 4, "a NUL character"),
        (b"a: 1\nb: \x1b[2J\n", 2, 4, "control character U+001B"),
        (b"\n\na: \xff\n", 3, 4, "not UTF-8"),
        (b"a: \xed\xa0\x80\n", 1, 4, "not UTF-8"),
        (b"a: \xc0\xaf\n", 1, 4, "not UTF-8"),
        (b'a: "\\ud800"\n', 1, 7, "invalid Unicode"),
        (b"\xff\xfea\x00", 1, 1, "UTF-16"),
        (b"a:\n\tb: 1\n", 2, 1, "spaces, not tabs"),
        (b"a: 1\n...\nb: 2\n", 3, 1, "document start"),
        (b"[" * 1_000_000, 1, MAX_DEPTH + 1, "levels deep"),
        (b"{" * 1_000_000, 1, MAX_DEPTH + 1, "levels deep"),
        (b"- " * 1_000_000, 1, None, "levels deep"),
        (b"? " * 1_000_000, 1, None, "levels deep"),
        (b'{"a":' * 200_000, 1, None, "levels deep"),
        (b"[1," * 1_000_000, 1, None, "levels deep"),
        (b"a: b\n" * 500_000, MAX_NODES // 2, None, "values"),
        (b"x" * 9_000_000 + b": [", 1, None, ""),
        (b'a: "' + b"x" * 9_000_000, 1, None, "unexpected end"),
        (b"!" * 1_000_000 + b" [", 2, None, ""),
        (b"&a " * 1_000_000, 1, None, ""),
        (b"a: " * 1_000_000, 1, 5, "not allowed"),
    ],
    ids=lambda value: repr(value[:12]) if isinstance(value, bytes) else None,
)
def test_hostile_text_is_one_problem_at_its_place_and_quick(
    data: bytes, line: int | None, column: int | None, words: str
) -> None:
    began = time.process_time()
    problem = only(data)
    assert time.process_time() - began < 5  # a hang, not a slow machine
    assert words in problem.message
    assert line in (None, problem.line)
    assert column in (None, problem.column)
    assert len(problem.message) < 200


@pytest.mark.parametrize("data", [b"---\n" * 1_000_000, b"{}" * 1_000_000])
def test_a_flood_of_documents_is_cut_off(data: bytes) -> None:
    found = list(read_documents("f", data))
    assert isinstance(found[-1], Problem)
    assert f"more than {MAX_DOCUMENTS:,} documents" in found[-1].message


@pytest.mark.parametrize(
    ("text", "words", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3\n", "the key 'a' is written twice (first at line 1)", 3, 1),
        ("yes: 1\ntrue: 2\n", "the key 'true' is written twice", 2, 1),
        ("a: {b: [{c: 1, c: 2}]}\n", "the key 'c' is written twice", 1, 16),
        ("a: !!python/object:os.system {}\n", "the tag '!!python/object:os.system' is not accepted", 1, 4),
        ("a: !mine x\n", "the tag '!mine' is not accepted", 1, 4),
        ("a: !!binary aGk=\n", "the tag '!!binary' is not accepted", 1, 4),
        ("a: !!set {x}\n", "the tag '!!set' is not accepted", 1, 4),
        ("a: !!int x\n", "does not read as !!int", 1, 4),
        ("a: !!int true\n", "does not read as !!int", 1, 4),
        ("? [a]\n: b\n", "a key must be text", 1, 3),
        ("~: b\n", "a key must be text, got nothing", 1, 1),
        ("a: .inf\n", "JSON", 1, 4),
    ],
)
def test_a_mistake_inside_a_document_is_found_at_its_place(text: str, words: str, line: int, column: int) -> None:
    found = fault(text)
    assert words in found.message
    assert (found.line, found.column) == (line, column)


def test_nothing_is_ever_constructed_from_a_tag() -> None:
    assert values("!!python/object/apply:os.getcwd []")[0] is None


def test_unreadable_text_still_names_its_object() -> None:
    broken = 'kind: Sensor\nmetadata:\n  labels: {a: b}\n  name: "ship-it"\n  namespace: prod\nspec: [\n'
    assert str(only(broken).ref) == "Sensor/prod/ship-it"
    assert str(guess_ref("kind: EventSource\nmetadata: {name: gate}\nspec: [")) == "EventSource/default/gate"
    assert guess_ref("kind: Deployment\nmetadata: {name: gate}\n") is None
    assert guess_ref("kind: Sensor\nspec:\n  name: x\n") is None
