"""Data filters, row by row as the original behaves."""

import pytest
from deciding_helpers import NO_DATA, J, a_dependency, an_event

from sensors.bound import EventView
from sensors.filters.combine import compile_filters
from sensors.filters.held import Held
from sensors.languages.patterns import compile_pattern

YES, NO, ERROR, ABSENT = Held.YES, Held.NO, Held.ERROR, Held.ABSENT


def clause(path: str, kind: str, *values: str, comparator: str = "", template: str = "") -> dict:
    return {"path": path, "type": kind, "value": list(values), "comparator": comparator, "template": template}


def held(*clauses: dict, event=None, operator: str = "") -> Held:
    filters = {"dataLogicalOperator": operator}
    view = EventView(an_event(J) if event is None else event)
    return compile_filters(a_dependency(data=list(clauses), filters=filters)).holds(view)


def why(*clauses: dict, event=None, operator: str = "") -> str:
    filters = {"dataLogicalOperator": operator}
    view = EventView(an_event(J) if event is None else event)
    return compile_filters(a_dependency(data=list(clauses), filters=filters)).why(view)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (clause("k", "string", "v|w"), YES),
        (clause("k", "string", "v", "w", comparator="!="), YES),
        (clause("b", "bool", "true", comparator="!="), YES),
        (clause("n", "bool", "true"), YES),
        (clause("b", "bool", "yes"), ERROR),
        (clause("s", "number", "5"), YES),
        (clause("k", "number", "0"), YES),
        (clause("z", "number", "0"), YES),
        (clause("z", "string", "^$"), YES),
        (clause("n", "number", "x", "5"), ERROR),
        (clause("n", "number", "5", "x"), YES),
        (clause("n", "number", "6", "x"), ERROR),
        (clause("o", "string", '"q":1'), YES),
        (clause("k", "json", "v"), ERROR),
        (clause("nope", "string", ".*"), ABSENT),
        (clause("k", "string"), ERROR),
        (clause("k", "string", "zzz"), NO),
        (clause("k", "string", "("), ERROR),
        (clause("k", "string", "v", "("), YES),
        (clause("k", "string", "x", "("), ERROR),
        (clause("k", "string", "v", comparator="="), YES),
        (clause("k", "string", "v", comparator="!="), NO),
        (clause("k", "string", "v", comparator="<"), NO),
        (clause("k", "string", "v", comparator=">="), NO),
        (clause("n", "string", "^5$"), YES),
        (clause("b", "string", "true"), YES),
        (clause("b", "number", "1"), YES),
        (clause("o", "number", "0"), YES),
        (clause("n", "number", "5", comparator="~"), NO),
        (clause("n", "number", "5", "6", comparator="!="), YES),
        (clause("n", "number", "5", "5", comparator="!="), NO),
        (clause("n", "number", "9", "4", comparator=">"), YES),
        (clause("n", "number", "9", "8", comparator=">"), NO),
    ],
)
def test_a_clause_as_the_original_decides_it(one: dict, expected: Held) -> None:
    assert held(one) is expected


@pytest.mark.parametrize(
    ("comparator", "below", "equal", "above"),
    [
        ("", NO, YES, NO),
        ("=", NO, YES, NO),
        ("!=", YES, NO, YES),
        (">", NO, NO, YES),
        (">=", NO, YES, YES),
        ("<", YES, NO, NO),
        ("<=", YES, YES, NO),
    ],
)
def test_number_comparators(comparator: str, below: Held, equal: Held, above: Held) -> None:
    answers = [held(clause("n", "number", "5", comparator=comparator), event=an_event({"n": n})) for n in (4.5, 5, 5.5)]
    assert answers == [below, equal, above]


@pytest.mark.parametrize(
    ("value", "number", "expected"),
    [
        ("1e2", 100, YES),
        ("1_000", 1000, YES),
        ("0x1p4", 16, YES),
        ("+5", 5, YES),
        (".5", 0.5, YES),
        ("1e999", 1, ERROR),
        ("0x10", 16, ERROR),
        (" 5", 5, ERROR),
        ("", 0, ERROR),
        ("NaN", 0, NO),
        ("inf", 5, NO),
    ],
)
def test_filter_numbers_are_read_as_go_reads_them(value: str, number: float, expected: Held) -> None:
    assert held(clause("n", "number", value), event=an_event({"n": number})) is expected


@pytest.mark.parametrize("text", ["1", "t", "T", "TRUE", "true", "True"])
def test_truth_words_of_filters_are_exactly_those_of_go(text: str) -> None:
    assert held(clause("b", "bool", text)) is YES


@pytest.mark.parametrize("text", ["tRUE", "yes", "on", "TrUe", "", "2"])
def test_other_truth_words_are_errors(text: str) -> None:
    assert held(clause("b", "bool", text)) is ERROR


@pytest.mark.parametrize(
    ("value", "true"),
    [
        (True, True),
        (False, False),
        (1, True),
        (0, False),
        (-0.5, True),
        ("tRuE", True),
        ("yes", False),
        (None, False),
        ({}, False),
    ],
)
def test_truth_of_event_values(value: object, true: bool) -> None:
    assert held(clause("x", "bool", "true"), event=an_event({"x": value})) is (YES if true else NO)
    assert held(clause("x", "bool", "false"), event=an_event({"x": value})) is (NO if true else YES)


def test_a_number_as_text_keeps_all_its_digits() -> None:
    event = an_event(raw=b'{"n":12345678901234567890}')
    assert held(clause("n", "string", "^12345678901234567890$"), event=event) is YES


@pytest.mark.parametrize(
    ("values", "seen", "expected"),
    [
        (["refs/heads/main"], "refs/heads/main-2", YES),
        (["^refs/heads/main$"], "refs/heads/main-2", NO),
        (["^(main|dev)$"], "dev", YES),
        (["v1.0"], "v1x0", YES),
        ([r"v1\.0"], "v1x0", NO),
        (["(?i)MAIN"], "main", YES),
        ([r"\bmain\b"], "the main one", YES),
        (["é+"], "éé", YES),
        (["a"], "", NO),
    ],
)
def test_patterns_are_unanchored_re2(values: list[str], seen: str, expected: Held) -> None:
    assert held(clause("ref", "string", *values), event=an_event({"ref": seen})) is expected


@pytest.mark.parametrize("pattern", ["(?=a)", r"(a)\1", "a{1001}", "(?<!a)b"])
def test_what_re2_refuses_is_an_error(pattern: str) -> None:
    assert held(clause("k", "string", pattern)) is ERROR


def test_not_in_a_set_of_several_values_is_almost_always_true_and_one_pattern_does_it_right() -> None:
    several = clause("k", "string", "v", "w", comparator="!=")
    assert held(several) is YES
    assert held(clause("k", "string", "^(v|w)$", comparator="!=")) is NO


@pytest.mark.parametrize(
    ("template", "values", "expected"),
    [
        ("{{ .Input | upper }}", ["^V$"], YES),
        ("{{ .Input | upper }}", ["^v$"], NO),
        ("{{ .Input.field }}", [".*"], ERROR),
        ("{{ if false }}x{{ end }}", [".*"], ERROR),
        ("<no value>", [".*"], ERROR),
        ("{{", [".*"], ERROR),
        ("{{ nope }}", [".*"], ERROR),
    ],
)
def test_a_template_changes_the_value_before_it_is_compared(template: str, values: list[str], expected: Held) -> None:
    assert held(clause("k", "string", *values, template=template)) is expected


def test_the_input_of_a_template_is_always_text_and_its_output_is_cast() -> None:
    assert held(clause("n", "string", "^string 5$", template='{{ printf "%T %v" .Input .Input }}')) is YES
    assert held(clause("n", "number", "6", template="{{ add1 .Input }}")) is YES
    assert held(clause("o", "string", r'^\{"q":1\}$', template="{{ .Input }}")) is YES
    assert held(clause("z", "string", "^x$", template="{{ .Input }}x")) is YES


@pytest.mark.parametrize(
    ("operator", "clauses", "expected"),
    [
        ("or", ["miss", "hit"], YES),
        ("or", ["miss", "no"], ABSENT),
        ("or", ["no", "no"], NO),
        ("or", ["hit", "miss"], YES),
        ("or", ["no", "hit"], YES),
        ("", ["hit", "hit"], YES),
        ("and", ["hit", "no"], NO),
        ("and", ["no", "miss"], NO),
        ("and", ["miss", "no"], ABSENT),
        ("and", ["hit", "miss"], ABSENT),
    ],
)
def test_clauses_combine_by_the_data_operator(operator: str, clauses: list[str], expected: Held) -> None:
    kinds = {"hit": clause("k", "string", "v"), "no": clause("k", "string", "x"), "miss": clause("nope", "string", "v")}
    assert held(*[kinds[name] for name in clauses], operator=operator) is expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(b"", ERROR), (b"{", ERROR), (b"null", ABSENT), (b'"k"', ABSENT), (b'[{"k":"v"}]', ABSENT), (b'{"k":"v"}', YES)],
)
def test_event_data_of_every_shape(raw: bytes, expected: Held) -> None:
    assert held(clause("k", "string", "v"), event=an_event(raw=raw)) is expected


def test_an_array_is_usable_through_its_path() -> None:
    assert held(clause("0.k", "string", "v"), event=an_event(raw=b'[{"k":"v"}]')) is YES
    assert held(clause("#", "number", "1"), event=an_event(raw=b'[{"k":"v"}]')) is YES


def test_absent_data_passes_every_data_filter() -> None:
    assert held(clause("k", "string", "never"), event=an_event(raw=NO_DATA)) is YES


def test_repeated_keys_show_the_first() -> None:
    assert held(clause("a", "string", "^x$"), event=an_event(raw=b'{"a":"x","a":"b"}')) is YES


def test_a_content_type_does_not_matter_to_filters() -> None:
    assert held(clause("k", "string", "v"), event=an_event(J, datacontenttype=None)) is YES
    assert held(clause("k", "string", "v"), event=an_event(J, datacontenttype="text/plain")) is YES


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (clause("k", "string", "x", "y"), 'data k: "v" matches none of ["x", "y"]'),
        (clause("k", "string", "v", comparator="!="), 'data k: "v" matches all of ["v"]'),
        (clause("n", "number", "6"), 'data n: 5 is none of ["6"]'),
        (clause("n", "number", "5", comparator=">"), 'data n: 5 is greater than none of ["5"]'),
        (clause("n", "number", "5", comparator="!="), 'data n: 5 equals all of ["5"]'),
        (clause("n", "number", "6", "x"), "data n: 5 satisfies none of the values before one that is no number"),
        (clause("b", "bool", "false"), 'data b: true is none of ["false"]'),
        (clause("o", "string", "x"), 'data o: {"q":1} matches none of ["x"]'),
        (clause("z", "string", "x"), 'data z: null matches none of ["x"]'),
        (clause("nope", "string", "x"), "data nope: there is no such value in the event"),
        (clause("k", "json", "x"), 'data k: the type "json" is none of bool, number, string'),
        (clause("k", "string"), "data k: no value is listed"),
        (clause("k", "string", "("), 'data k: "v" satisfies none of the values before one that is no pattern'),
        (clause("k", "string", "x", comparator="<"), 'data k: "v" cannot be compared by "<" with the patterns ["x"]'),
        (clause("k", "string", "x", template="{{ .Input }}y"), 'data k: "vy" matches none of ["x"]'),
        (clause("k", "string", "x", template="{{ if false }}{{ end }}"), 'data k: the template printed nothing for "v"'),
    ],
)
def test_a_reason_names_the_clause_the_value_seen_and_what_was_wanted(one: dict, reason: str) -> None:
    assert why(one) == reason


def test_a_reason_under_or_names_every_clause() -> None:
    reason = why(clause("k", "string", "x"), clause("n", "number", "6"), operator="or")
    assert reason == 'data k: "v" matches none of ["x"]; data n: 5 is none of ["6"]'


def test_a_reason_shows_a_bounded_part_of_a_long_value() -> None:
    reason = why(clause("k", "string", "x"), event=an_event({"k": "a" * 1_000_000}))
    assert len(reason) < 300
    assert "(1000000 characters)" in reason


def test_a_hostile_pattern_takes_linear_time() -> None:
    assert held(clause("k", "string", "(a+)+$"), event=an_event({"k": "a" * 50_000 + "b"})) is NO


@pytest.mark.parametrize("text", ["\ud800", "\u202e\u0000", "a\ufffe", "\U0010ffff"])
def test_odd_text_in_values_is_compared_and_shown(text: str) -> None:
    event = an_event({"k": text})
    assert held(clause("k", "string", "zzz"), event=event) is NO
    assert why(clause("k", "string", "zzz"), event=event).startswith("data k: ")


@pytest.mark.parametrize(
    "pattern", ["a", "^a", "a$", "^a$", r"a\.b", r"^a\$", r"a\.$", r"^a\\b$", "^é$", "a\n$", "^a/b-c", r"a\/b"]
)
def test_plain_patterns_answer_as_the_engine_does(pattern: str) -> None:
    texts = [
        "",
        "a",
        "ba",
        "ab",
        "bab",
        "a.b",
        "axb",
        "a$",
        "a$b",
        "a.",
        "xa.",
        "a\\b",
        "é",
        "a\n",
        "a\nb",
        "a/b-c",
        "xa/b-cd",
        "a/b",
    ]
    for text in texts:
        expected = YES if compile_pattern(pattern).search(text) is not None else NO
        assert held(clause("k", "string", pattern), event=an_event({"k": text})) is expected, text
