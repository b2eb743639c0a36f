"""Setting values by SJSON paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.languages.sjson import SjsonError, compile_dest, compile_payload, go_json_string, set_raw, set_string, sjson_string

PATHS = st.lists(st.sampled_from(["a", "b", "c1", "x-y", "0", "-1", "a\\.b", ":1"]), min_size=1, max_size=3).map(".".join)


def test_untouched_members_keep_order_and_layout_and_new_ones_go_last() -> None:
    assert set_string(b'{ "b" : 1.0,\n "a": [ 1 ] }', "c.d", "x") == b'{ "b" : 1.0,\n "a": [ 1 ] ,"c":{"d":"x"}}'
    assert set_raw(b'{ "b" : 1.0,\n "a": [ 1 ] }', "b", "2") == b'{ "b" : 2,\n "a": [ 1 ] }'


@pytest.mark.parametrize(
    ("document", "path", "expected"),
    [
        ("", "a.1", '{"a":[null,"v"]}'),
        ("", "a.-1", '{"a":["v"]}'),
        ("", "-1", '{"-1":"v"}'),
        ("", "a.:1", '{"a":{"1":"v"}}'),
        ("", "a.", '{"a":["v"]}'),
        ("", ".a", '[{"a":"v"}]'),
        ("", "0", '["v"]'),
        ('{"a":{}}', "a.0", '{"a":{"0":"v"}}'),
        ('{"a":5}', "a.b", '{"a":{"b":"v"}}'),
        ('{"p":[{"n":"x","v":1}]}', 'p.#(n=="x").v', '{"p":[{"n":"x","v":"v"}]}'),
        ('{"p":[{"v":1},{"v":2}]}', "p.#.v", '{"p":[{"v":"v"},{"v":"v"}]}'),
        ('{"a":1}', "zz*", '{"a":1}'),
    ],
)
def test_a_path_sets_what_the_original_sets(document: str, path: str, expected: str) -> None:
    assert set_string(document.encode(), path, "v") == expected.encode()


def test_a_key_into_an_array_and_an_empty_path_are_errors() -> None:
    with pytest.raises(SjsonError, match="cannot set array element for non-numeric key 'b'"):
        set_string(b'{"a":[1]}', "a.b", "x")
    with pytest.raises(SjsonError, match="path cannot be empty"):
        set_string(b"{}", "", "x")


def test_an_index_far_away_and_a_path_without_end_are_refused() -> None:
    with pytest.raises(SjsonError, match="99999999"):
        set_string(b"", "a.99999999", "x")
    with pytest.raises(SjsonError, match="deep"):
        set_string(b"", ".".join(["a"] * 5_000), "x")


def test_a_path_whose_places_the_original_gets_wrong_is_refused_and_not_damaged() -> None:
    with pytest.raises(SjsonError, match="place cannot be told"):
        set_raw(b'{"p":[{"name":"x","value":1},{"name":"y","value":2}]}', "p*|#.name", "1")


def test_strings_are_escaped_as_the_original_escapes_them() -> None:
    assert sjson_string("a<b") == '"a<b"'
    assert sjson_string('"<\u2028') == '"\\"\\u003c\\u2028"'
    assert go_json_string("a<b\x7f") == b'"a\\u003cb\x7f"'
    assert go_json_string("\ud800") == b'"\\ufffd"'


@given(st.lists(st.tuples(PATHS, st.none() | st.sampled_from(["1", '"t"', "{}", '{"a":1}', "[1]", "null"])), max_size=4))
def test_a_planned_payload_is_what_setting_one_by_one_gives(settings: list[tuple[str, str | None]]) -> None:
    def one_by_one() -> str:
        text = ""
        for path, raw in settings:
            text = text if raw is None else compile_dest(path).edit(text, raw)
        return text

    plan = compile_payload([path for path, _ in settings])
    raws = [raw for _, raw in settings]
    try:
        expected = one_by_one()
    except SjsonError:
        with pytest.raises(SjsonError):
            plan.build(raws)
    else:
        assert plan.build(raws) == expected


def test_members_of_one_parent_are_gathered_where_the_first_stands() -> None:
    assert compile_payload(["a.b", "c", "a.d"]).build(["1", "2", "3"]) == '{"a":{"b":1,"d":3},"c":2}'


def test_a_payload_of_nothing_is_empty() -> None:
    assert compile_payload([]).build([]) == ""
    assert compile_payload(["a"]).build([None]) == ""
