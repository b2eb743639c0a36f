"""CloudEvents over real sockets: the three modes, what is kept, what is refused."""

import contextlib
import json
from typing import Any

import pytest
from http_rig import Rig, rigged
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from eventbus.errors import BusUnavailable
from manifests.objects import Dialect
from sources.cloudevents import BATCH, STRUCTURED, CloudEvents, CloudEventsSpec
from sources.http.answers import Refused
from sources.http.source import Received
from tocsin.kinds import BuiltKinds

EVENT = {"specversion": "1.0", "id": "7", "source": "/shop", "type": "order.placed", "time": "2024-07-05T13:00:00.123456789Z"}
BINARY = {
    "ce_specversion": "1.0",
    "ce_id": "7",
    "ce_source": "/shop",
    "ce_type": "order.placed",
    "Content_Type": "application/json",
}


def source(rig: Rig, **spec: Any) -> CloudEvents:
    fields = {"endpoint": "/hook", "port": "0", **spec}
    return CloudEvents(CloudEventsSpec.model_validate(fields), rig.context("orders", Dialect.TOCSIN))


def structured(**changes: Any) -> bytes:
    return json.dumps({name: value for name, value in (EVENT | changes).items() if value is not None}).encode()


async def test_the_three_modes_carry_the_same_event() -> None:
    async with rigged() as rig:
        await rig.serve(source(rig))
        data = b'{"total": 5}'
        said = await rig.post("/hook", data, **BINARY, ce_time=EVENT["time"], ce_subject="caf%C3%A9", ce_tenant="a")
        assert said.json == {"id": "/shop/7"}
        more = {"subject": "café", "tenant": "a", "datacontenttype": "application/json", "data": {"total": 5}}
        assert (await rig.post("/hook", structured(**more), Content_Type=STRUCTURED)).json == {"id": "/shop/7"}
        batch = json.dumps([json.loads(structured(id="8", **more)), json.loads(structured(**more))]).encode()
        assert (await rig.post("/hook", batch, Content_Type=BATCH)).json == {"ids": ["/shop/8", "/shop/7"]}
        first, second = rig.events
        for event, id_ in ((first, "7"), (second, "8")):
            assert (event.id, event.type, event.time) == (f"/shop/{id_}", "order.placed", EVENT["time"])
            assert (event.datacontenttype, json.loads(event.data or b"")) == ("application/json", {"total": 5})
            kept = {"specversion": "1.0", "source": "/shop", "type": "order.placed", "subject": "café", "tenant": "a"}
            assert event.attributes == kept | {"id": id_, "time": EVENT["time"]}


async def test_the_chain_that_attributes_or_headers_tell_of_goes_on() -> None:
    firing = "c" * 32
    async with rigged() as rig:
        await rig.serve(source(rig))
        await rig.post("/hook", structured(correlationid="a%20b", causationid=firing, hops="3"), Content_Type=STRUCTURED)
        told = {"Tocsin_Correlation_Id": "a%20b", "Tocsin_Causation_Id": firing, "Tocsin_Hops": "4"}
        batch = json.dumps([json.loads(structured(id=id)) for id in "89"]).encode()
        await rig.post("/hook", batch, Content_Type=BATCH, **told)
        found = {(event.id, event.correlation, event.causation, event.hops) for event in rig.events}
        quoted, plain = ("/shop/7", "a%20b", firing, 3), {(f"/shop/{id}", "a b", firing, 4) for id in "89"}
        assert found == {quoted, *plain}


async def test_two_producers_may_use_one_id() -> None:
    async with rigged() as rig:
        await rig.serve(source(rig))
        for name in ("/shop", "/depot", "/shop"):
            assert (await rig.post("/hook", structured(source=name), Content_Type=STRUCTURED)).status == 200
        assert [event.id for event in rig.events] == ["/shop/7", "/depot/7"]


@pytest.mark.parametrize(
    ("fields", "kind", "data"),
    [
        ({}, None, None),
        ({"data": None, "datacontenttype": "application/json"}, "application/json", None),
        ({"data": "text", "datacontenttype": "text/plain"}, "text/plain", b"text"),
        ({"data": "text"}, "application/json", b'"text"'),
        ({"data": {"a": 1}, "datacontenttype": "application/vnd.x+json"}, "application/vnd.x+json", b'{"a": 1}'),
        ({"data_base64": "AAH/", "datacontenttype": "image/png"}, "image/png", b"\x00\x01\xff"),
    ],
)
async def test_data_of_any_kind_is_kept_as_it_is_meant(fields: dict[str, Any], kind: str | None, data: bytes | None) -> None:
    async with rigged() as rig:
        await rig.serve(source(rig))
        assert (await rig.post("/hook", structured(**fields), Content_Type=STRUCTURED)).status == 200
        (event,) = rig.events
        assert (event.datacontenttype, event.data) == (kind, data)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"id": None}, "id: missing"),
        ({"id": None, "type": None}, "id, type: missing"),
        ({"id": ""}, "id: "),
        ({"source": 5}, "source: "),
        ({"specversion": "0.3"}, "specversion: "),
        ({"time": "yesterday"}, "time: expected an RFC 3339 time"),
        ({"time": "2024-02-30T00:00:00Z"}, "time: expected an RFC 3339 time"),
        ({"UPPER": "x"}, "UPPER: "),
        ({"nested": {"a": 1}}, "nested: an attribute is a text"),
        ({"data_base64": "!"}, "data_base64: not Base64"),
        ({"data_base64": "AA==", "data": 1}, "exclude each other"),
        ({"id": "x" * 600}, "at most 512"),
        ({"id": 5}, "id: Attribute 'id' must be text"),
        ({"id": "a\x00b"}, "id: has control characters"),
        ({"subject": "a\uffff"}, "subject: has control characters"),
        ({"weight": 1.5}, "weight: expected a whole number of 32 bits"),
        ({"weight": 1 << 31}, "weight: expected a whole number of 32 bits"),
    ],
)
async def test_what_is_wrong_with_an_event_is_named(changes: dict[str, Any], says: str) -> None:
    async with rigged() as rig:
        await rig.serve(source(rig))
        said = await rig.post("/hook", structured(**changes), Content_Type=STRUCTURED)
        assert said.status == 400
        assert says in said.json["detail"]
        batch = b"[" + structured(id="1") + b"," + structured(**changes) + b"]"
        said = await rig.post("/hook", batch, Content_Type=BATCH)
        assert said.status == 400
        assert said.json["detail"].startswith("event 2: ")
        assert rig.events == [], "a batch is taken whole or not at all"


async def test_attributes_are_kept_as_the_types_of_cloudevents_are_written() -> None:
    async with rigged() as rig:
        await rig.serve(source(rig))
        told = structured(
            first=True,
            last=False,
            weight=-5,
        )
        assert (await rig.post("/hook", told, Content_Type=STRUCTURED)).status == 200
        (event,) = rig.events
        assert (event.attributes["first"], event.attributes["last"], event.attributes["weight"]) == ("true", "false", "-5")


async def test_a_null_beside_data_is_as_if_it_were_not_there() -> None:
    async with rigged() as rig:
        await rig.serve(source(rig))
        body = structured()[:-1] + b', "data_base64": null, "data": [1]}'
        assert (await rig.post("/hook", body, Content_Type=STRUCTURED)).status == 200
        assert rig.events[0].data == b"[1]"


async def test_data_in_structured_mode_stays_as_it_is_written() -> None:
    data = b'{"price": 1.10, "big": 12345678901234567890123, "a": 1, "a": 2, "far": 1e400}'
    async with rigged() as rig:
        await rig.serve(source(rig))
        assert (await rig.post("/hook", structured()[:-1] + b', "data": ' + data + b"}", Content_Type=STRUCTURED)).status == 200
        assert rig.events[0].data == data


async def test_slashes_in_ids_do_not_make_two_producers_one() -> None:
    async with rigged() as rig:
        await rig.serve(source(rig))
        for producer, id in (("/shop", "eu/7"), ("/shop/eu", "7"), ("/shop", "eu%2F7")):
            assert (await rig.post("/hook", structured(source=producer, id=id), Content_Type=STRUCTURED)).status == 200
        assert [event.id for event in rig.events] == ["/shop/eu%2F7", "/shop/eu/7", "/shop/eu%252F7"]
        assert [event.attributes["id"] for event in rig.events] == ["eu/7", "7", "eu%2F7"]


@pytest.mark.parametrize(
    ("sent", "id"),
    [(b"a%20b", "a b"), (b'"a b"', "a b"), (rb'"a\"b%22"', 'a"b"'), ("é€".encode(), "é€"), (b"%C3%A9", "é"), (b"a%2Fb", "a/b")],
)
async def test_a_header_says_its_value_without_quotes_and_decoded_once(sent: bytes, id: str) -> None:
    async with rigged() as rig:
        await rig.serve(source(rig))
        assert (await rig.send(binary(sent))).status == 200
        assert rig.events[0].attributes["id"] == id


@pytest.mark.parametrize(
    ("sent", "says"), [(b"%FF", "ce-id: not UTF-8"), (b"\xff", "ce-id: not UTF-8"), (b"%00", "id: has control")]
)
async def test_a_header_that_is_no_text_is_refused(sent: bytes, says: str) -> None:
    async with rigged() as rig:
        await rig.serve(source(rig))
        said = await rig.send(binary(sent))
        assert said.status == 400, "else two ids could become one, and the second event a repeat"
        assert says in said.json["detail"]


async def test_an_attribute_that_is_given_twice_and_a_format_that_is_not_read_are_refused() -> None:
    async with rigged() as rig:
        await rig.serve(source(rig))
        twice = await rig.send(binary(b"1\r\nCE-Id: 2"))
        assert (twice.status, twice.json["detail"]) == (400, "ce-id: given twice; an attribute has one value")
        avro = await rig.post("/hook", b"{}", **BINARY | {"Content_Type": "application/cloudevents+avro"})
        assert avro.status == 415
        assert rig.events == []


def binary(id: bytes) -> bytes:
    head = b"POST /hook HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nce-specversion: 1.0\r\nce-source: /shop\r\nce-type: t\r\n"
    return head + b"ce-id: " + id + b"\r\n\r\n{}"


async def test_what_is_no_cloudevent_is_answered_415_and_too_many_413() -> None:
    async with rigged() as rig:
        await rig.serve(source(rig, maxBatch=2))
        assert (await rig.post("/hook", b"{}", Content_Type="application/json")).status == 415
        batch = json.dumps([json.loads(structured(id=str(n))) for n in range(3)]).encode()
        assert (await rig.post("/hook", batch, Content_Type=BATCH)).status == 413
        assert (await rig.post("/hook", b"{}", Content_Type=BATCH)).status == 400
        assert (await rig.post("/hook", b"[]", Content_Type=BATCH)).json == {"ids": []}
        assert (await rig.post("/hook", b"no json", **BINARY)).status == 400


async def test_a_batch_that_cannot_be_stored_now_may_be_sent_again() -> None:
    async with rigged() as rig:
        await rig.serve(source(rig))
        rig.failure = BusUnavailable("full")
        batch = b"[" + structured(id="1") + b"," + structured(id="2") + b"]"
        said = await rig.post("/hook", batch, Content_Type=BATCH)
        assert (said.status, said.headers["retry-after"]) == (503, "1")
        rig.failure = None
        assert (await rig.post("/hook", batch, Content_Type=BATCH)).json == {"ids": ["/shop/1", "/shop/2"]}


async def test_a_sender_may_ask_whether_it_may_send() -> None:
    async with rigged() as rig:
        await rig.serve(source(rig))
        said = await rig.post("/hook", b"", method="OPTIONS", WebHook_Request_Origin="shop.example", WebHook_Request_Rate="120")
        assert (said.status, said.headers["webhook-allowed-origin"], said.headers["webhook-allowed-rate"]) == (
            200,
            "shop.example",
            "*",
        )
        assert (await rig.post("/hook", b"", method="OPTIONS")).status == 400
        assert (await rig.post("/hook", b"", method="GET")).status == 405


def test_the_kind_is_of_our_dialect_only() -> None:
    kind = BuiltKinds().get("source", "cloudevents")
    assert kind is not None
    assert kind.dialects == {"tocsin.dev/v1"}


@given(
    st.binary(max_size=80)
    | st.recursive(st.none() | st.text(max_size=5) | st.integers(), st.lists, max_leaves=5).map(lambda v: json.dumps(v).encode())
)
async def test_whatever_is_sent_is_events_or_a_refusal(body: bytes) -> None:
    async with rigged() as rig:
        for headers in (
            {"Content-Type": STRUCTURED},
            {"Content-Type": BATCH},
            {"ce-id": "1"},
            {"ce-id": "1", "ce-source": "s", "ce-type": "t", "ce-specversion": "1.0"},
        ):
            with contextlib.suppress(Refused):
                source(rig).receive(Received("POST", "", CIMultiDictProxy(CIMultiDict(headers)), (), body))
