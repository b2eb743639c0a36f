"""Reading recorded events."""

import base64
import json

import pytest

from tocsin.recorded_events import read_events, repeats

HEAD = '"specversion":"1.0","id":"1","source":"github","subject":"push","type":"t"'


def one(text: str) -> object:
    lines, problems = read_events("f", text.encode())
    assert not problems
    (line,) = lines
    return line.event


def test_the_bytes_of_data_stay_as_written() -> None:
    data = '{"n": 12345678901234567890123, "f":1.0, "a" : 1,"a":2, "u":"\\u00e9"}'
    assert one(f'{{{HEAD},"data":{data}}}').data == data.encode()  # type: ignore[attr-defined]


def test_data_base64_is_the_payload() -> None:
    payload = b'{"a": 1}'
    assert one(f'{{{HEAD},"data_base64":"{base64.b64encode(payload).decode()}"}}').data == payload  # type: ignore[attr-defined]


def test_what_is_absent_stays_absent() -> None:
    event = one(f"{{{HEAD}}}")
    assert event.data is None  # type: ignore[attr-defined]
    assert event.time is None  # type: ignore[attr-defined]
    assert event.datacontenttype is None  # type: ignore[attr-defined]


def test_a_null_attribute_is_an_absent_one_and_null_data_is_data() -> None:
    event = one(f'{{{HEAD},"time":null,"datacontenttype":null,"data":null}}')
    assert event.time is None  # type: ignore[attr-defined]
    assert event.data == b"null"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("datacontenttype", "data"),
    [
        ("text/plain", b"hi"),
        ("application/json", b'"hi"'),
        ("application/json; charset=utf-8", b'"hi"'),
        ("application/vnd.x+json", b"hi"),
        ("APPLICATION/JSON", b"hi"),
        (None, b'"hi"'),
    ],
)
def test_text_data_of_another_content_type_is_the_text(datacontenttype: str | None, data: bytes) -> None:
    event = one(f'{{{HEAD},"datacontenttype":{json.dumps(datacontenttype)},"data":"hi"}}')
    assert event.data == data  # type: ignore[attr-defined]


def test_extensions_are_kept() -> None:
    assert one(f'{{{HEAD},"traceparent":"00-x","n":7}}').attributes == {"traceparent": "00-x", "n": "7"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("extension", "why"),
    [
        ('"a-b":"x"', "letters and digits"),
        ('"x":{}', "expected text"),
        ('"x":[1]', "expected text"),
        ('"x":2147483648', "32 bits"),
    ],
)
def test_an_event_with_an_extension_that_the_original_cannot_decode_matches_nothing(extension: str, why: str) -> None:
    (line,), (problem,) = read_events("f", f"{{{HEAD},{extension}}}".encode())
    assert line.unreadable == problem.message
    assert why in problem.message


def test_an_extension_of_null_and_an_empty_time_are_none() -> None:
    event = one(f'{{{HEAD},"x":null,"time":""}}')
    assert (event.attributes, event.time) == ({}, None)  # type: ignore[attr-defined]


def test_blank_lines_and_a_byte_order_mark_are_nothing() -> None:
    lines, problems = read_events("f", b"\xef\xbb\xbf\n" + f"{{{HEAD}}}".encode() + b"\r\n \n\n")
    assert [line.number for line in lines] == [2]
    assert not problems


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nope", "not one CloudEvent"),
        ("[1]", "not one CloudEvent"),
        ("{}", "specversion: missing"),
        ('{"specversion":"0.3","id":"1","source":"s","type":"t"}', "specversion: '0.3'"),
        ('{"specversion":"1.0","source":"s","type":"t"}', "id: missing"),
        ('{"specversion":"1.0","id":"","source":"s","type":"t"}', "id: missing"),
        ('{"specversion":"1.0","id":1,"source":"s","type":"t"}', "id: expected text"),
        ('{"specversion":"1.0","id":"1","type":"t"}', "source: missing"),
        ('{"specversion":"1.0","id":"1","source":"s"}', "type: missing"),
        (f'{{{HEAD},"time":"yesterday"}}', "time: 'yesterday'"),
        (f'{{{HEAD},"time":"2026-02-30T00:00:00Z"}}', "no RFC 3339 time"),
        (f'{{{HEAD},"data_base64":"!"}}', "not base64"),
        (f'{{{HEAD},"data":1,"data_base64":"MQ=="}}', "one or the other"),
        (f'{{{HEAD},"data":NaN}}', "not one CloudEvent"),
        (f'{{{HEAD},"data":{"[" * 100_000}}}', ""),
        (f"{{{HEAD}}} {{{HEAD}}}", "not one CloudEvent"),
    ],
)
def test_a_bad_line_is_a_problem_that_names_it_and_the_rest_is_read(line: str, said: str) -> None:
    lines, problems = read_events("ev", f"{{{HEAD}}}\n{line}\n{{{HEAD}}}\n".encode())
    assert [one.number for one in lines] == [1, 3]
    (problem,) = problems
    assert (problem.file, problem.line) == ("ev", 2)
    assert said in problem.message


def test_bytes_that_are_not_utf8_are_a_problem() -> None:
    lines, problems = read_events("ev", b'{"specversion":"1.0","id":"\xff","source":"s","type":"t"}')
    assert not lines
    assert len(problems) == 1


def test_nanoseconds_are_kept() -> None:
    assert one(f'{{{HEAD},"time":"2026-01-01T00:00:00.123456789Z"}}').time == "2026-01-01T00:00:00.123456789Z"  # type: ignore[attr-defined]


@pytest.mark.parametrize("time", ["2026-01-01T00:00:00,5Z", "2026-01-01T00:00:00+24:00", "9999-12-31T23:59:59Z"])
def test_times_are_read_as_the_original_reads_them(time: str) -> None:
    assert one(f'{{{HEAD},"time":"{time}"}}').time == time  # type: ignore[attr-defined]


def test_a_time_in_small_letters_is_one_that_the_original_drops() -> None:
    (line,), (problem,) = read_events("ev", f'{{{HEAD},"time":"2026-01-01t00:00:00z"}}'.encode())
    assert "capital letters" in line.unreadable
    assert problem.message == line.unreadable


def test_blanks_before_data_belong_to_it_where_it_is_json() -> None:
    assert one(f'{{{HEAD},"data":  {{"k": 1}} }}').data == b'  {"k": 1}'  # type: ignore[attr-defined]
    assert one(f'{{{HEAD},"datacontenttype":"text/plain","data": "x"}}').data == b"x"  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["e30", "e30==", "!!!!"])
def test_what_is_no_base64_is_named(text: str) -> None:
    lines, (problem,) = read_events("ev", f'{{{HEAD},"data_base64":"{text}"}}'.encode())
    assert not lines
    assert "not base64" in problem.message


def test_a_repeat_names_the_earlier_line() -> None:
    other = HEAD.replace('"push"', '"release"')
    lines, _ = read_events("ev", f"{{{HEAD}}}\n{{{other}}}\n{{{HEAD}}}\n".encode())
    assert list(repeats(lines)) == [(3, 1)]


def test_half_a_surrogate_pair_is_kept_in_data_and_replaced_in_attributes() -> None:
    event = one(f' {{ {HEAD} , "x":"\\udc00" ,"data" : {{"a": "\\ud800x", "b":"\\ud83d\\ude00"}} }} ')
    assert event.data == b' {"a": "\\ud800x", "b":"\\ud83d\\ude00"}'  # type: ignore[attr-defined]
    assert event.attributes == {"x": "\ufffd"}  # type: ignore[attr-defined]
    assert one(f'{{{HEAD},"datacontenttype":"text/plain","data":"a\\ud800"}}').data == "a\ufffd".encode()  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ['{"id":"\\ud800"', '["\\ud800"]', '{"id":"\\ud800","x":NaN}', '{"id":"\\ud800",}', '"\\ud800"'])
def test_half_a_surrogate_pair_excuses_nothing_else(text: str) -> None:
    lines, problems = read_events("f", text.encode())
    assert not lines
    assert [problem.message.startswith("not one CloudEvent as JSON") for problem in problems] == [True]


@pytest.mark.parametrize("data", ["{}", "[1]", "1", "true"])
def test_data_that_its_content_type_cannot_be_is_a_problem_and_an_event_that_matches_nothing(data: str) -> None:
    (line,), (problem,) = read_events("f", f'{{{HEAD},"datacontenttype":"text/plain","data":{data}}}'.encode())
    assert line.unreadable == problem.message
    assert "'text/plain'" in problem.message


def test_null_as_data_of_another_content_type_is_empty() -> None:
    assert one(f'{{{HEAD},"datacontenttype":"text/plain","data":null}}').data == b""  # type: ignore[attr-defined]
