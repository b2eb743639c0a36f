"""The webhook kind over real sockets."""

import asyncio
import gzip
import json
import zlib

import msgspec
import pytest
from http_rig import Rig, connected, read_answer, request, rigged

from eventbus.errors import BusUnavailable, EventRejected
from manifests.objects import Dialect

FORM = "application/x-www-form-urlencoded"


async def test_a_json_body_becomes_an_event_with_upstreams_data_and_the_answer_names_it() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook(metadata={"team": "a"}))
        body = b'{"n": 12345678901234567890123, "z":1.10,\n"a":[true,null]}'
        said = await rig.post(body=body, content_type="application/json", x_custom_HEADER="1", authorization="Bearer s3cret")
        (event,) = rig.events
        assert said.status == 200
        assert said.json == {"id": event.id}
        assert event.type == "webhook"
        assert event.data is not None
        assert list(json.loads(event.data)) == ["header", "body", "metadata"]
        assert b'"body":{"n":12345678901234567890123,"z":1.10,"a":[true,null]}' in event.data
        assert event.tree == msgspec.json.decode(event.data)
        assert json.loads(event.data)["header"] == {
            "Authorization": ["*** Masked Auth Secret ***"],
            "Content-Length": [str(len(body))],
            "Content-Type": ["application/json"],
            "X-Custom-Header": ["1"],
        }
        assert json.loads(event.data)["metadata"] == {"team": "a"}


async def test_without_metadata_there_is_no_such_key() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        await rig.post()
        assert list(json.loads(rig.events[0].data or b"")) == ["header", "body"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"   ", id="blank"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"{}x", id="goes on"),
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'"\xff\xfe"', id="not UTF-8"),
        pytest.param(b'"\xed\xa0\x80"', id="surrogate in UTF-8"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="deep list"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="deep object"),
        pytest.param(b'"\x00"', id="NUL"),
        pytest.param(b"'a'", id="quotes"),
    ],
)
async def test_a_body_that_is_not_json_is_answered_400_without_an_event_or_an_echo(body: bytes) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        said = await rig.post(body=body)
        assert said.status == 400
        assert said.headers["content-type"] == "application/problem+json"
        assert said.json["detail"].startswith("the body is")
        assert rig.events == []


@pytest.mark.parametrize("body", [b"null", b"1", b'"x"', b"[]", b'{"a":1,"a":2}', b" {} \n", '"\u202e\U0001f600"'.encode()])
async def test_any_json_value_is_taken_and_in_our_dialect_with_its_text_as_sent(body: bytes) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook("ours", Dialect.TOCSIN), rig.webhook("theirs", endpoint="/theirs"))
        assert [(await rig.post(path, body)).status for path in ("/hook", "/theirs")] == [200, 200]
        ours, theirs = (event.data or b"" for event in rig.events)
        assert b'"body":' + body in ours
        assert b'"body":' + body.strip() in theirs


async def test_a_million_keys_are_taken_within_the_limit() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook(maxPayloadSize=20_000_000))
        body = b"{" + b",".join(b'"k%d":%d' % (n, n) for n in range(1_000_000)) + b"}"
        assert (await rig.post(body=body)).status == 200
        assert len(rig.events[0].tree["body"]) == 1_000_000  # type: ignore[index]


@pytest.mark.parametrize("size", [10_000, 100_000, 1_000_000])
async def test_large_values_pass_unshortened(size: int) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        assert (await rig.post(body=b'{"v":"%b"}' % (b"x" * size))).status == 200
        assert rig.events[0].tree["body"]["v"] == "x" * size  # type: ignore[index]


async def test_a_form_becomes_lists_of_values_whatever_parameters_its_type_has() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        for content_type in (FORM, FORM + "; charset=UTF-8"):
            assert (await rig.post("/hook?q=no", b"a=1&b=%C3%A9&a=2&c=", content_type=content_type)).status == 200
        assert [event.tree["body"] for event in rig.events] == [{"a": ["1", "2"], "b": ["é"], "c": [""]}] * 2  # type: ignore[index]


@pytest.mark.parametrize("body", [b"a=%E9", b"a=\xe9"])
async def test_a_form_of_another_encoding_is_taken_as_far_as_it_is_text(body: bytes) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook(), rig.webhook("query", endpoint="/query", method="GET"))
        assert (await rig.post(body=body, content_type=FORM)).status == 200
        assert (await rig.send(b"GET /query?a=%E9 HTTP/1.1\r\nHost: h\r\n\r\n")).status == 200
        assert [json.loads(event.data or b"")["body"] for event in rig.events] == [{"a": ["\ufffd"]}] * 2


async def test_a_form_of_too_many_fields_is_answered_400() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        assert (await rig.post(body=b"&".join(b"a=1" for _ in range(1001)), content_type=FORM)).status == 400


async def test_a_get_source_takes_its_query_as_the_body() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook(method="GET"))
        for path in ("/hook?a=1&b=x%20y&a=2", "/hook", "/hook?"):
            assert (await rig.send(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())).status == 200
        bodies = [json.loads(event.data or b"")["body"] for event in rig.events]
        assert bodies == [{"a": ["1", "2"], "b": ["x y"]}, {}, {}]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"])
async def test_another_method_is_answered_405_and_told_the_right_one(method: str) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        async with connected(rig.port) as (reader, writer):
            writer.write(f"{method} /hook HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            said = await read_answer(reader, head_only=method == "HEAD")
            assert (said.status, said.headers["allow"]) == (405, "POST")
            assert await reader.read() == b""


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_the_methods_that_upstream_leaves_out_work(method: str) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook(method=method))
        assert (await rig.post(method=method)).status == 200


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress, lambda body: zlib.compress(body, wbits=-15)])
async def test_a_compressed_body_is_read(encode: object) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        name = "gzip" if encode is gzip.compress else "deflate"
        assert (await rig.post(body=encode(b'{"a":1}'), content_encoding=name)).status == 200  # type: ignore[operator]
        assert rig.events[0].tree["body"] == {"a": 1}  # type: ignore[index]


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "deflate,gzip", "unknown", "gzip;q=1"])
async def test_another_content_encoding_is_answered_415_with_those_that_work(encoding: str) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        said = await rig.post(body=gzip.compress(gzip.compress(b"{}")), content_encoding=encoding)
        assert (said.status, said.headers["accept-encoding"]) == (415, "gzip, deflate")


async def test_two_content_encoding_headers_are_nesting_too() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        body = gzip.compress(gzip.compress(b"{}"))
        head = (
            f"POST /hook HTTP/1.1\r\nHost: h\r\nContent-Encoding: gzip\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}"
        )
        assert (await rig.send(f"{head}\r\n\r\n".encode() + body)).status == 415


@pytest.mark.parametrize("damage", [lambda b: b[:-4], lambda b: b"x" + b[1:], lambda b: b + b"x", lambda b: b""])
async def test_a_damaged_compressed_body_is_answered_400(damage: object) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        body = damage(gzip.compress(b'{"a":1}'))  # type: ignore[operator]
        assert (await rig.post(body=body, content_encoding="gzip")).status == 400


async def test_what_the_bus_cannot_take_is_answered_503_and_what_it_never_takes_413() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        rig.failure = BusUnavailable("the disk is full", retry_after_s=7.2)
        said = await rig.post()
        assert (said.status, said.headers["retry-after"]) == (503, "8")
        rig.failure = EventRejected("the event is larger than the log takes")
        assert (await rig.post()).status == 413
        rig.failure = None
        assert (await rig.post()).status == 200


async def test_nothing_is_answered_before_the_event_is_durable() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook())
        rig.gate.clear()
        async with connected(rig.port) as (reader, writer):
            writer.write(request("/hook", b"{}"))
            await writer.drain()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await reader.read(1)
            rig.gate.set()
            assert (await read_answer(reader)).status == 200


async def test_our_dialect_takes_the_senders_id_and_theirs_never_does() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook("theirs"), rig.webhook("ours", Dialect.TOCSIN, endpoint="/ours"))
        assert (await rig.post("/ours", idempotency_key="order-7")).json == {"id": "order-7"}
        assert (await rig.post("/ours", idempotency_key="order-7")).json == {"id": "order-7"}
        assert (await rig.post("/ours", webhook_id="msg_1")).json == {"id": "msg_1"}
        assert (await rig.post("/hook", idempotency_key="order-7")).json != {"id": "order-7"}
        assert len(rig.events) == 3


@pytest.mark.parametrize("given", ["", "x" * 257, "é", "a\tb", "a\r\nIdempotency-Key: a", "a\r\nIdempotency-Key: b"])
async def test_an_odd_id_of_a_sender_is_answered_400(given: str) -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook(dialect=Dialect.TOCSIN))
        assert (await rig.post(idempotency_key=given)).status == 400


async def test_a_missing_body_in_a_delete_is_not_json() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook(method="DELETE"))
        assert (await rig.send(b"DELETE /hook HTTP/1.1\r\nHost: h\r\n\r\n")).status == 400


async def _bearer(rig: Rig, authorization: str | None) -> int:
    headers = {} if authorization is None else {"authorization": authorization}
    return (await rig.post(**headers)).status


async def test_only_the_bearer_token_of_now_is_let_in() -> None:
    async with rigged() as rig:
        await rig.serve(rig.webhook(authSecret={"name": "token", "key": "t"}))
        for wrong in (
            None,
            "",
            "Bearer ",
            "Bearer",
            "bearer let me in",
            "Bearer let me i",
            "Bearer let me in ",
            "Basic bGV0",
            "é\udcff",
        ):
            expected = 200 if wrong == "Bearer let me in " else 401  # white space around a header's value is no part of it
            assert await _bearer(rig, wrong) == expected, wrong
        assert await _bearer(rig, "Bearer let me in") == 200
        rig.values.secrets["token"] = "changed"
        assert await _bearer(rig, "Bearer let me in") == 401
        assert await _bearer(rig, "Bearer changed") == 200
        del rig.values.secrets["token"]
        assert await _bearer(rig, "Bearer changed") == 503
        rig.values.secrets["token"] = ""
        assert await _bearer(rig, "Bearer x") == 503
