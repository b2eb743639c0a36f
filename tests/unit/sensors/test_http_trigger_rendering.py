"""The http trigger without a network: what it compiles, renders, shows, and makes of an answer."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from pydantic import ValidationError

from eventbus.event import Event
from manifests.objects import DeclaredTrigger, Parameter, ParameterSource, TocsinTriggerHead, TriggerHead
from sensors.bound import Bound, EventView
from sensors.errors import RenderError, TriggerRefused, TriggerUnavailable
from sensors.triggers.http import HttpKind, _decode
from sensors.triggers.http_answer import judge, retry_after_s
from sensors.triggers.trigger import Trigger, TriggerContext
from sensors.web.call import Answer

URL = "https://billing.example.net/v2/usage?x=1"
SECRET = {"valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}}


class NoValues:
    """Reading a secret where none may be read is an error."""

    def secret(self, namespace: str, name: str, key: str) -> object:
        raise AssertionError("a secret was read")

    config = secret


def compiled(spec: Mapping[str, object], head: TriggerHead | None = None) -> Trigger:
    declared = DeclaredTrigger(
        name="call",
        kind="http",
        spec=HttpKind.spec.model_validate(spec),
        template={"name": "call", "http": dict(spec)},
        head=head or TocsinTriggerHead(),
    )
    return HttpKind().compile(declared, TriggerContext(namespace="default", sensor="shop", values=NoValues()))  # type: ignore[arg-type]


def bound(data: bytes = b'{"n":7,"who":"me","path":"a b/\\u00fc","line":"x\\r\\ny"}') -> Bound:
    event = Event(namespace="default", source="github", name="push", id="e1", type="webhook", time=None, data=data)
    return Bound(events={"push": EventView(event)}, now=datetime(2026, 11, 24, tzinfo=UTC), seed=b"s")


def parameter(dest: str, **src: object) -> Parameter:
    return Parameter(src=ParameterSource.model_validate({"dependency_name": "push", **src}), dest=dest)


def entry(dest: str, **src: object) -> dict[str, object]:
    return {"src": {"dependencyName": "push", **src}, "dest": dest}


def test_what_is_shown_is_what_would_be_sent_with_secrets_masked_and_unread() -> None:
    trigger = compiled(
        {
            "url": URL,
            "method": "PUT",
            "headers": {"Content-Type": "application/json", "x-lower": "1"},
            "dynamicHeaders": [entry("X-Who", dataKey="who")],
            "secureHeaders": [SECRET | {"name": "X-Key"}],
            "basicAuth": {"password": {"name": "api", "key": "token"}},
            "payload": [entry("usage.units", dataKey="n", useRawData=True)],
        }
    )
    assert trigger.show(trigger.render(bound())) == {
        "method": "PUT",
        "url": URL,
        "headers": {
            "Content-Type": "application/json",
            "x-lower": "1",
            "X-Who": "me",
            "X-Key": "***",
            "Authorization": "***",
        },
        "body": {"usage": {"units": 7}},
    }


def test_a_password_in_the_url_is_not_shown() -> None:
    trigger = compiled({"url": "https://bob:hunter2@billing.example.net/x"})
    shown = trigger.show(trigger.render(bound()))
    assert shown == {"method": "POST", "url": "https://billing.example.net/x", "headers": {"Authorization": "***"}, "body": None}


def test_a_body_that_is_not_json_is_shown_as_text() -> None:
    trigger = compiled({"url": URL, "payload": [entry("", dataKey="who")]})
    assert trigger.show(trigger.render(bound()))["body"] == "me"


def test_the_same_events_render_the_same_bytes() -> None:
    spec = {"url": URL, "payload": [entry("nonce", dataTemplate="{{ randAlphaNum 12 }}")]}
    assert compiled(spec).render(bound()) == compiled(spec).render(bound())


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"url": "billing.example.net"}, "url: .*no http or https scheme"),
        ({"url": "ftp://billing.example.net/"}, "no http or https scheme"),
        ({"url": "https:///path"}, "no host"),
        ({"url": URL, "headers": {"a b": "1"}}, "headers: 'a b' cannot be the name"),
        ({"url": URL, "headers": {"a": "1\r\nX: 2"}}, "'a' has a control character"),
        ({"url": URL, "host": "a\r\nX: 2"}, "'Host' has a control character"),
        ({"url": URL, "secureHeaders": [{"name": "a"}]}, r"secureHeaders\[0\].valueFrom"),
        ({"url": URL, "secureHeaders": [SECRET]}, r"secureHeaders\[0\].name"),
        ({"url": URL, "dynamicHeaders": [entry("a:b", value="1")]}, r"dynamicHeaders\[0\].dest"),
        ({"url": URL, "tls": {}}, "tls: set caCertSecret"),
        ({"url": URL, "tls": {"clientCertSecret": {"name": "a", "key": "b"}}}, "come together"),
        ({"url": URL, "payload": [{"dest": "a"}]}, r"payload\[0\]"),
    ],
)
def test_what_can_never_work_is_refused_when_applied(spec: Mapping[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compiled(spec)


@pytest.mark.parametrize(
    "spec", [{}, {"url": URL, "method": "HEAD"}, {"url": URL, "method": "post"}, {"url": URL, "timeout": 2**63}]
)
def test_what_the_form_does_not_allow_is_a_problem_of_the_manifest(spec: Mapping[str, object]) -> None:
    with pytest.raises(ValidationError):
        HttpKind.spec.model_validate(spec)


def test_a_line_break_out_of_an_event_cannot_become_a_header() -> None:
    trigger = compiled({"url": URL, "dynamicHeaders": [entry("X-Line", dataKey="line")]})
    with pytest.raises(RenderError, match="'X-Line' has a control character"):
        trigger.render(bound())


def test_headers_that_frame_the_message_cannot_be_set() -> None:
    trigger = compiled({"url": URL, "headers": {"Content-Length": "5", "transfer-encoding": "chunked", "x": "1"}})
    call, _ = trigger._fitted.plain.target.call(b"{}", [], "k", NoValues())  # type: ignore[attr-defined]
    assert not {"Content-Length", "Transfer-Encoding"} & {name.title() for name in call.headers}


# Parameters that change the declaration


def test_its_own_parameters_change_the_url_the_headers_and_the_timeout() -> None:
    spec = {
        "url": URL,
        "parameters": [
            entry("url", dataTemplate="https://other.example.net/{{ .Input.path | urlquery }}"),
            entry("headers.X-Who", dataKey="who"),
            entry("timeout", dataKey="n", useRawData=True),
        ],
    }
    trigger = compiled(spec)
    request = trigger.render(bound())
    shown = trigger.show(request)
    assert shown["url"] == "https://other.example.net/a+b%2F%C3%BC"
    assert shown["headers"] == {"X-Who": "me"}
    assert trigger._target(_decode(request)).spec.timeout_s == 7.0  # type: ignore[attr-defined]
    assert trigger.timeout_s == math.inf


def test_trigger_level_parameters_come_first_and_can_rewrite_the_payload() -> None:
    spec = {
        "url": "http://placeholder.invalid/",
        "payload": [entry("a", dataKey="n")],
        "parameters": [entry("method", dataKey="nowhere", value="PUT")],
    }
    head = TocsinTriggerHead(
        parameters=[parameter("http.url", value=URL, dependency_name="none"), parameter("http.payload.0.dest", data_key="who")]
    )
    trigger = compiled(spec, head)
    shown = trigger.show(trigger.render(bound()))
    assert (shown["method"], shown["url"], shown["body"]) == ("PUT", URL, {"me": "7"})


@pytest.mark.parametrize(
    ("dest", "src", "message"),
    [
        ("http.timeout", {"data_key": "who"}, "timeout: "),
        ("http.method", {"data_key": "who"}, "method: "),
        ("http.url", {"data_key": "who"}, "no http or https scheme"),
        ("http.nonsense", {"data_key": "who"}, "nonsense: "),
        ("http", {"data_key": "who"}, "leave no 'http'"),
    ],
)
def test_parameters_that_make_nonsense_fail_the_request_and_name_the_field(
    dest: str, src: Mapping[str, object], message: str
) -> None:
    trigger = compiled({"url": URL}, TocsinTriggerHead(parameters=[parameter(dest, **src)]))
    with pytest.raises(RenderError, match=message):
        trigger.render(bound())


# Answers


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, CIMultiDictProxy(CIMultiDict(headers)), body)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_is_a_success(status: int) -> None:
    judge(answer(status), None, where="t", secrets=())


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_these_are_worth_trying_again(status: int) -> None:
    with pytest.raises(TriggerUnavailable) as caught:
        judge(answer(status, **{"Retry-After": "7"}), None, where="t", secrets=())
    assert (caught.value.status, caught.value.retry_after_s) == (status, 7.0)


@pytest.mark.parametrize("status", [300, 304, 400, 401, 403, 404, 409, 410, 418, 422, 600])
def test_these_are_not(status: int) -> None:
    with pytest.raises(TriggerRefused) as caught:
        judge(answer(status), None, where="t", secrets=())
    assert caught.value.status == status


def test_a_list_of_allowed_statuses_decides_alone() -> None:
    judge(answer(404), {404}, where="t", secrets=())
    with pytest.raises(TriggerRefused):
        judge(answer(200), {404}, where="t", secrets=())
    with pytest.raises(TriggerRefused):
        judge(answer(200), set(), where="t", secrets=())
    with pytest.raises(TriggerUnavailable):
        judge(answer(500), {404}, where="t", secrets=())


def test_a_reason_is_one_short_line_without_secrets_or_control_characters() -> None:
    body = b"no\r\n\x1b[31m tok-1 \xff tok-10 " + b"x" * 900
    with pytest.raises(TriggerRefused) as caught:
        judge(answer(400, body), None, where="https://t", secrets=("tok-1", "tok-10", ""))
    reason = str(caught.value)
    assert reason.startswith("https://t answered 400: no [31m *** \ufffd *** xxx")
    assert len(reason) <= 225


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Tue, 24 Nov 2026 03:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 02:00:00 GMT", 0.0),
        ("Tuesday, 24-Nov-26 03:00:05 GMT", 5.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("\u0663", None),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Tue, 24 Nov 2026 03:00:30 +99999999999999999999", None),
    ],
)
def test_retry_after_is_a_number_of_seconds_or_a_date(text: str, seconds: float | None) -> None:
    assert retry_after_s(text, now=datetime(2026, 11, 24, 3, 0, tzinfo=UTC)) == seconds
