"""Parameters, row by row as the original behaves."""

import base64
import json

import pytest
from deciding_helpers import NO_DATA, J, a_parameter, an_event, bound_to

from sensors.parameters import ParameterError, compile_headers, compile_parameters, compile_payload

BIG = "12345678901234567890"


def edited(document: str, *parameters, event=None) -> str:
    bound = bound_to(an_event(J) if event is None else event)
    return compile_parameters(parameters).apply(document.encode(), bound).decode()


def built(*parameters, event=None) -> str:
    return compile_payload(parameters).build(bound_to(an_event(J) if event is None else event)).decode()


def text_of(event=None, **src) -> str:
    """The value of one parameter as text."""
    return built(a_parameter("", **src), event=event)


@pytest.mark.parametrize(
    ("raw", "by_key", "by_template"),
    [
        ("5", "5", "5"),
        ("1.50", "1.5", "1.5"),
        (BIG, BIG, "1.2345678901234567e+19"),
        ("1e21", "1000000000000000000000", "1e+21"),
        ("1000000", "1000000", "1e+06"),
        ("1E3", "1000", "1000"),
        ("1e-7", "0.0000001", "1e-07"),
        ("-0", "-0", "-0"),
        ("true", "true", "true"),
        ('{"k": 1}', '{"k": 1}', "map[k:1]"),
        ('[1,"a"]', '[1,"a"]', "[1 a]"),
        ('"txt"', "txt", "txt"),
        (r'"\ud800"', "\ufffd", "\ufffd"),
    ],
)
def test_a_value_as_text_by_key_and_by_template(raw: str, by_key: str, by_template: str) -> None:
    event = an_event(raw=b'{"x":' + raw.encode() + b"}")
    assert text_of(event, dataKey="x") == by_key
    assert text_of(event, dataTemplate="{{ .Input.x }}") == by_template


@pytest.mark.parametrize(
    ("src", "value"),
    [
        ({"dataKey": "z", "value": "V"}, "null"),
        ({"dataTemplate": "{{.Input.z}}", "value": "V"}, "V"),
        ({"dataKey": "nope", "value": "V"}, "V"),
        ({"dataKey": "k", "value": "V"}, "v"),
        ({"dataKey": "k", "dataTemplate": "{{ .Input.n }}"}, "5"),
        ({"dataKey": "k", "dataTemplate": "{{ .Input.nope }}"}, "v"),
        ({"dataKey": "k", "dataTemplate": "{{ fail `x` }}"}, "v"),
        ({"dataKey": "k", "dataTemplate": ""}, "v"),
        ({"dataKey": "k", "dataTemplate": "{{ if false }}x{{ end }}"}, "v"),
        ({"dataTemplate": "a {{ .Input.nope }} b"}, "a <no value> b"),
        ({"dataTemplate": "{{ nope }}", "dataKey": "k"}, "v"),
        ({"dataTemplate": "{{", "value": "V"}, "V"),
        ({"dataTemplate": "{{ .Input.n | eq 5 }}", "value": "V"}, "V"),
        ({"dataTemplate": "{{ eq .Input.n 5.0 }}"}, "true"),
        ({"contextKey": "id"}, "1"),
        ({"contextKey": "time"}, "2024-05-06T07:08:09Z"),
        ({"contextKey": "subject"}, "name"),
        ({"contextKey": "specversion"}, "1.0"),
        ({"contextTemplate": "{{ .Input.source }}/{{ .Input.type }}"}, "source/webhook"),
        ({"contextKey": "id", "dataKey": "k"}, "v"),
        ({"contextKey": "id", "dataKey": "nope", "value": "V"}, "V"),
        ({"value": "V"}, "V"),
        ({"value": ""}, ""),
        ({"dataKey": "o.q", "value": ""}, "1"),
    ],
)
def test_template_comes_before_key_and_key_before_value(src: dict, value: str) -> None:
    assert text_of(**src) == value


@pytest.mark.parametrize(
    "src",
    [
        {"dataKey": "nope"},
        {"dataKey": "nope", "contextKey": "id"},
        {"dataTemplate": "{{ .Input.nope }}"},
        {"dataTemplate": "{{ .Input.nope }}", "dataKey": "nope"},
        {"contextKey": "k"},
        {"contextTemplate": "{{ .Input.k }}"},
    ],
)
def test_what_has_neither_value_nor_stand_in_is_an_error_that_names_the_parameter(src: dict) -> None:
    with pytest.raises(ParameterError, match=r"payload\[1\] \(dest 'here'\)") as caught:
        built(a_parameter("there", value="x"), a_parameter("here", **src))
    assert caught.value.index == 1


def test_an_empty_string_by_key_is_a_value_and_by_template_is_none() -> None:
    event = an_event({"e": ""})
    assert text_of(event, dataKey="e", value="V") == ""
    assert text_of(event, dataTemplate="{{ .Input.e }}", value="V") == "V"


def test_an_event_without_time_has_the_text_null_by_key_and_falls_through_by_template() -> None:
    event = an_event(J, time=None)
    assert text_of(event, contextKey="time", value="V") == "null"
    assert text_of(event, contextTemplate="{{ .Input.time }}", value="V") == "V"


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        ("2024-05-06T07:08:09Z", "2024-05-06T07:08:09Z"),
        ("2024-05-06T07:08:09.999999999Z", "2024-05-06T07:08:09Z"),
        ("2024-05-06T07:08:09+02:00", "2024-05-06T05:08:09Z"),
        ("2024-05-06T00:08:09.5-03:30", "2024-05-06T03:38:09Z"),
        ("0987-05-06T07:08:09+01:00", "0987-05-06T06:08:09Z"),
        ("0001-01-01T00:00:00Z", "null"),
        ("not a time", "null"),
    ],
)
def test_the_context_time_is_whole_seconds_in_utc(time: str, shown: str) -> None:
    assert text_of(an_event(J, time=time), contextKey="time") == shown


def test_the_context_as_one_text_has_the_escapes_of_the_original() -> None:
    event = an_event(J, type="a<b>&\u2028", time="2024-05-06T07:08:09.5Z")
    shown = text_of(event, contextKey="[type,time].@this")
    assert shown == '["a\\u003cb\\u003e\\u0026\\u2028","2024-05-06T07:08:09Z"]'


def test_no_key_and_no_template_give_the_whole_event_with_its_data_in_base64() -> None:
    event = an_event(raw=b'{"a":"<&>"}', type="a<b")
    text = text_of(event, useRawData=True)
    assert text == (
        '{"context":{"id":"1","source":"source","specversion":"1.0","type":"a\\u003cb","datacontenttype":"application/json",'
        '"subject":"name","time":"2024-05-06T07:08:09Z"},"data":"' + base64.b64encode(b'{"a":"<&>"}').decode() + '"}'
    )
    assert json.loads(built(a_parameter("e", useRawData=True), event=event))["e"] == text


def test_an_event_without_data_shows_null_data() -> None:
    assert text_of(an_event(data=None, raw=b"", datacontenttype=None)).endswith('"data":""}')
    assert text_of(an_event(raw=NO_DATA)).endswith('"data":null}')


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/json; charset=utf-8", "Application/JSON"])
def test_data_of_another_content_type_is_not_read_but_a_value_stands_in(content_type: str | None) -> None:
    event = an_event(J, datacontenttype=content_type)
    assert text_of(event, dataKey="k", value="V") == "V"
    assert text_of(event, contextKey="id") == "1"
    with pytest.raises(ParameterError, match="content type"):
        text_of(event, dataKey="k")


@pytest.mark.parametrize("raw", [b"", b"{", b"{'a':1}", b"nope", b'{"k":NaN}'])
def test_data_that_is_not_json_is_an_error_that_a_value_rescues(raw: bytes) -> None:
    assert text_of(an_event(raw=raw), dataKey="k", value="V") == "V"
    with pytest.raises(ParameterError, match="not valid JSON"):
        text_of(an_event(raw=raw), dataKey="k")


def test_of_repeated_keys_paths_and_templates_see_the_first() -> None:
    event = an_event(raw=b'{"a":"x","a":"b"}')
    assert text_of(event, dataKey="a") == "x"
    assert text_of(event, dataTemplate="{{ .Input.a }}") == "x"


@pytest.mark.parametrize(
    ("yaml", "key", "text"),
    [
        ("a: {b: 1}", "a.b", "1"),
        ("n: 1", "false", "1"),
        ("yes: no", "true", "false"),
        ("x: 1e3", "x", "1000"),
        ("x: 0x1f", "x", "31"),
        ("x: 0644", "x", "420"),
        ("x: 1:30", "x", "1:30"),
        ("x: 2024-01-02", "x", "2024-01-02"),
        ("x: ~", "x", "null"),
        ("x: 'yes'", "x", "yes"),
        ("b: 1\na: {z: 1, q: <}", "@this", '{"a":{"q":"\\u003c","z":1},"b":1}'),
        ("x: &a [1]\nq: *a", "q", "[1]"),
        ("x: 1e22", "@this", '{"x":1e+22}'),
        ("m: &m {a: 1}\nx: {<<: *m, b: 2}", "x", '{"a":1,"b":2}'),
    ],
)
def test_yaml_data_is_read_as_yaml_1_1(yaml: str, key: str, text: str) -> None:
    assert text_of(an_event(raw=yaml.encode(), datacontenttype="application/yaml"), dataKey=key) == text


@pytest.mark.parametrize(
    "yaml",
    ["a: [", "x: .nan", "? [a]\n: 1", "a: *b", "\x00", "[" * 5000, "~: 1"],
)
def test_yaml_that_is_no_json_is_an_error_that_a_value_rescues(yaml: str) -> None:
    event = an_event(raw=yaml.encode(), datacontenttype="application/yaml")
    assert text_of(event, dataKey="k", value="V") == "V"
    with pytest.raises(ParameterError, match="event data is"):
        text_of(event, dataKey="k")


def test_yaml_aliases_that_multiply_are_refused_quickly() -> None:
    rows = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    rows += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    event = an_event(raw="\n".join(rows).encode(), datacontenttype="application/yaml")
    with pytest.raises(ParameterError, match="aliases"):
        text_of(event, dataKey="a11")


@pytest.mark.parametrize(
    ("raw", "as_text", "as_raw"),
    [
        ('"txt"', '"txt"', '"txt"'),
        ("5", '"5"', "5"),
        ("1.50", '"1.5"', "1.5"),
        ("true", '"true"', "true"),
        ("false", '"false"', "false"),
        ("null", '"null"', "null"),
        ('{"k":1.50}', '"{\\"k\\":1.50}"', '{"k":1.50}'),
        ("[1,2]", '"[1,2]"', "[1,2]"),
    ],
)
def test_raw_data_keeps_its_kind_and_text_is_the_default(raw: str, as_text: str, as_raw: str) -> None:
    event = an_event(raw=b'{"x":' + raw.encode() + b"}")
    assert built(a_parameter(dataKey="x"), event=event) == f'{{"a":{as_text}}}'
    assert built(a_parameter(dataKey="x", useRawData=True), event=event) == f'{{"a":{as_raw}}}'
    assert edited("{}", a_parameter(dataKey="x"), event=event) == f'{{"a":{as_text}}}'
    assert edited("{}", a_parameter(dataKey="x", useRawData=True), event=event) == f'{{"a":{as_raw}}}'


@pytest.mark.parametrize("src", [{"dataTemplate": "{{ .Input.n }}"}, {"value": "5"}])
def test_a_template_and_a_value_stay_text_even_as_raw_data(src: dict) -> None:
    assert built(a_parameter(useRawData=True, **src)) == '{"a":"5"}'


def test_a_number_that_json_cannot_hold_is_an_error_as_raw_data_and_text_otherwise() -> None:
    event = an_event(raw=b'{"x":1e400}')
    assert built(a_parameter(dataKey="x"), event=event) == '{"a":"+Inf"}'
    with pytest.raises(ParameterError, match="out of range"):
        built(a_parameter(dataKey="x", useRawData=True), event=event)


def test_a_long_value_passes_unshortened() -> None:
    text = "ä<\n" * 300_000
    assert json.loads(built(a_parameter(dataKey="x"), event=an_event({"x": text})))["a"] == text


@pytest.mark.parametrize(
    ("document", "parameters", "result"),
    [
        ('{"a":[1]}', [a_parameter("a", dataKey="n", useRawData=True, operation="append")], '{"a":"[1]5"}'),
        ('{"a":[1]}', [a_parameter("a.-1", dataKey="n", useRawData=True, operation="append")], '{"a":[1,5]}'),
        ('{"a":null}', [a_parameter("a", value="txt", operation="prepend")], '{"a":"txt"}'),
        ("{}", [a_parameter("a", value="txt"), a_parameter("a", dataKey="n", operation="append")], '{"a":"txt5"}'),
        ('{"a":7}', [a_parameter("a", dataKey="n", useRawData=True, operation="append")], '{"a":"75"}'),
        ('{"a":7}', [a_parameter("a", dataKey="n", useRawData=True, operation="prepend")], '{"a":"57"}'),
        ('{"a":7}', [a_parameter("a", dataKey="n", useRawData=True, operation="overwrite")], '{"a":5}'),
        ("{}", [a_parameter("a", dataKey="n", useRawData=True, operation="append")], '{"a":5}'),
        ('{ "b" : 1,  "a":"x" }', [a_parameter("c", value="y")], '{ "b" : 1,  "a":"x" ,"c":"y"}'),
        ('{"a":1}', [a_parameter("a.b", value="x")], '{"a":{"b":"x"}}'),
        ("{}", [a_parameter("a.1", value="x")], '{"a":[null,"x"]}'),
        ("{}", [a_parameter("a.-1", value="x")], '{"a":["x"]}'),
        ("{}", [a_parameter(r"m.app\.io/name", value="x")], '{"m":{"app.io/name":"x"}}'),
        ("{}", [a_parameter("a.:1", value="x")], '{"a":{"1":"x"}}'),
        ('{"p":[{"name":"x","value":1}]}', [a_parameter('p.#(name=="x").value', value="y")], '{"p":[{"name":"x","value":"y"}]}'),
        ('{"p":[{"name":"x"}]}', [a_parameter('p.#(name=="z").value', value="y")], '{"p":[{"name":"x"}]}'),
        ('{"p":[{"v":1},{"v":2}]}', [a_parameter("p.#.v", value="y")], '{"p":[{"v":"y"},{"v":"y"}]}'),
        ('{"ab":1}', [a_parameter("a*", value="y")], '{"ab":"y"}'),
        ('{"b":1}', [a_parameter("a*", value="y")], '{"b":1}'),
        ("{}", [a_parameter("a", value='x"\n\\')], '{"a":"x\\"\\n\\\\"}'),
        ("{}", [a_parameter("a", dependencyName="absent", dataKey="x")], "{}"),
        ("{}", [a_parameter("a", dependencyName="absent", dataKey="x", value="V")], '{"a":"V"}'),
    ],
)
def test_editing_a_document(document: str, parameters: list, result: str) -> None:
    assert edited(document, *parameters) == result


def test_text_is_escaped_as_the_original_escapes_it() -> None:
    assert edited("{}", a_parameter("a", value="é<&>")) == '{"a":"é\\u003c\\u0026\\u003e"}'


@pytest.mark.parametrize(
    ("parameters", "result"),
    [
        ([], ""),
        ([a_parameter("a", value="txt"), a_parameter("a", dataKey="n", operation="append")], '{"a":"5"}'),
        ([a_parameter("a", dataKey="n"), a_parameter("", value="txt")], "txt"),
        ([a_parameter("", value="txt"), a_parameter("a", dataKey="nope")], "txt"),
        ([a_parameter("", dependencyName="absent"), a_parameter("a", value="x")], '{"a":"x"}'),
        ([a_parameter("0", value="x"), a_parameter("1", value="y")], '["x","y"]'),
        ([a_parameter("-1", value="x")], '{"-1":"x"}'),
        ([a_parameter("a.0", value="x")], '{"a":["x"]}'),
        ([a_parameter("a.b", value="x"), a_parameter("a.0", value="y")], '{"a":{"b":"x","0":"y"}}'),
        ([a_parameter("a", value="x"), a_parameter("0", value="y")], '{"a":"x","0":"y"}'),
        ([a_parameter("a.01", value="x")], '{"a":[null,"x"]}'),
        ([a_parameter("a.-2", value="x")], '{"a":{"-2":"x"}}'),
        ([a_parameter("a.", value="x")], '{"a":["x"]}'),
        ([a_parameter(".a", value="x")], '[{"a":"x"}]'),
        ([a_parameter(":a", value="x")], '{"a":"x"}'),
        ([a_parameter("a..b", value="x")], '{"a":[{"b":"x"}]}'),
        ([a_parameter("a*", value="x")], ""),
        ([a_parameter("a.b", value="x"), a_parameter("a.c", dataKey="o", useRawData=True)], '{"a":{"b":"x","c":{"q":1}}}'),
        ([a_parameter("a.b", value="x"), a_parameter("c", value="y"), a_parameter("a.d", value="z")],
         '{"a":{"b":"x","d":"z"},"c":"y"}'),
        ([a_parameter("a", value="x"), a_parameter("a.b", value="y")], '{"a":{"b":"y"}}'),
    ],
)  # fmt: skip
def test_building_a_payload(parameters: list, result: str) -> None:
    assert built(*parameters) == result


@pytest.mark.parametrize(
    ("parameters", "index"),
    [
        ([a_parameter("a.0", value="x"), a_parameter("a.b", value="y")], 1),
        ([a_parameter("0", value="x"), a_parameter("a", value="y")], 1),
    ],
)
def test_a_key_into_an_array_fails_and_names_the_entry(parameters: list, index: int) -> None:
    with pytest.raises(ParameterError, match="non-numeric key") as caught:
        built(*parameters)
    assert caught.value.index == index


def test_a_payload_entry_of_an_absent_dependency_without_value_is_an_error_not_a_crash() -> None:
    with pytest.raises(ParameterError, match="'absent' has no event in this firing"):
        built(a_parameter("a", dependencyName="absent", dataKey="x"))
    assert built(a_parameter("a", dependencyName="absent", dataKey="x", value="V")) == '{"a":"V"}'


def test_headers_are_text_and_an_absent_dependency_is_an_error() -> None:
    bound = bound_to(an_event(J))
    headers = compile_headers([a_parameter("X-N", dataKey="n", useRawData=True), a_parameter("x-o", dataKey="o")])
    assert headers.resolve(bound) == [("X-N", "5"), ("x-o", '{"q":1}')]
    with pytest.raises(ParameterError, match=r"dynamicHeaders\[0\]"):
        compile_headers([a_parameter("X", dependencyName="absent")]).resolve(bound)


@pytest.mark.parametrize(
    ("parameter", "match"),
    [
        (a_parameter("", value="x"), "'dest' is empty"),
        (a_parameter("a", value="x", operation="Append"), "'Append' is none of"),
        (a_parameter("a", dataTemplate="{{ nope }}"), "template cannot work"),
        (a_parameter("a", dataTemplate="{{"), "template cannot work"),
        (a_parameter("a").model_copy(update={"src": None}), "'src' is missing"),
    ],
)
def test_what_can_never_work_is_refused_when_compiled(parameter, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        compile_parameters([parameter])


def test_a_broken_template_with_a_stand_in_is_noted() -> None:
    payload = compile_payload([a_parameter("a", dataTemplate="{{ nope }}", value="V")])
    assert len(payload.notes) == 1
    assert payload.notes[0].startswith("payload[0] (dest 'a'): the template cannot work")


def test_event_data_is_never_rendered_as_a_template() -> None:
    event = an_event({"x": "{{ .Input.secret }} ${x} $(y)"})
    assert text_of(event, dataKey="x") == "{{ .Input.secret }} ${x} $(y)"
    assert text_of(event, dataTemplate="{{ .Input.x }}") == "{{ .Input.secret }} ${x} $(y)"
    assert json.loads(built(a_parameter("a", dataTemplate="{{ .Input.x }}"), event=event)) == {
        "a": "{{ .Input.secret }} ${x} $(y)"
    }


def test_event_data_cannot_break_out_of_its_place() -> None:
    hostile = '","admin":true,"x":"\u2028'
    assert json.loads(built(a_parameter("a", dataKey="x"), event=an_event({"x": hostile}))) == {"a": hostile}
    assert json.loads(edited('{"b":1}', a_parameter("a", dataKey="x"), event=an_event({"x": hostile}))) == {"a": hostile, "b": 1}


def test_a_missing_key_never_puts_the_whole_payload_in_its_place() -> None:
    with pytest.raises(ParameterError, match="nothing at 'nope'"):
        built(a_parameter("a", dataKey="nope"))


def test_what_is_random_repeats_for_the_same_firing_and_differs_between_parameters() -> None:
    payload = compile_payload([a_parameter("a", dataTemplate="{{ uuidv4 }}"), a_parameter("b", dataTemplate="{{ uuidv4 }}")])
    bound = bound_to(an_event(J))
    made = payload.build(bound)
    assert made == payload.build(bound)
    assert json.loads(made)["a"] != json.loads(made)["b"]


def test_now_is_the_clock_of_the_decision() -> None:
    assert text_of(dataTemplate='{{ now | date "2006-01-02T15:04:05" }}') == "2026-03-04T05:06:07"


def test_the_environment_is_out_of_reach() -> None:
    with pytest.raises(ValueError, match="env"):
        compile_payload([a_parameter("a", dataTemplate='{{ env "HOME" }}')])


def test_the_example_of_the_documentation_sends_what_it_says() -> None:
    event = an_event({"body": {"after": "1f2e", "ref": "refs/heads/main", "commits": [1, 2, 3]}})
    trimmed = '{{ trimPrefix "refs/heads/" .Input.body.ref }}'
    parameters = [
        a_parameter("commit", dataKey="body.after"),
        a_parameter("count", dataKey="body.commits.#", useRawData=True),
        a_parameter("branch", dataTemplate=trimmed),
        a_parameter("note", dataKey="body.deployment.note", value=""),
    ]
    assert built(*parameters, event=event) == '{"commit":"1f2e","count":3,"branch":"main","note":""}'
