"""The pulsar trigger without a network: what it accepts, renders and shows."""

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError
from trigger_rig import PAYLOAD, TriggerRig, a_bound, parameter, ref

from clients.pulsar_connection import PulsarWay, check_url
from clients.tls import TLSMaterial
from manifests.objects import Dialect, TocsinTriggerHead
from sensors.errors import RenderError
from sensors.triggers.pulsar import PulsarKind

HERE: dict[str, Any] = {"url": "pulsar+ssl://a:6651", "topic": "persistent://shop/eu/orders", "payload": PAYLOAD}
LOGIN = {"clientCertSecret": ref("certificate"), "clientKeySecret": ref("key")}


@pytest.fixture
def rig() -> TriggerRig:
    return TriggerRig(PulsarKind)


@pytest.mark.parametrize("dialect", list(Dialect))
def test_what_is_shown_is_what_would_be_sent_and_no_secret_is_read(rig: TriggerRig, dialect: Dialect) -> None:
    fields = HERE | {
        "tls": LOGIN,
        "tlsTrustCertsSecret": ref("ca"),
        "tlsAllowInsecureConnection": True,
        "tlsValidateHostname": True,
        "authTokenSecret": ref("token"),
        "authAthenzParams": {"tenantDomain": "shop"},
        "authAthenzSecret": ref("athenz"),
        "connectionBackoff": {"duration": "1s", "steps": 3},
    }
    assert rig.shown(fields, dialect=dialect) == {
        "url": "pulsar+ssl://a:6651",
        "topic": "persistent://shop/eu/orders",
        "body": {"who": "me"},
    }
    assert rig.values.reads == 0


def test_properties_are_shown(rig: TriggerRig) -> None:
    assert rig.shown(HERE | {"properties": {"kind": "order"}})["properties"] == {"kind": "order"}


@pytest.mark.parametrize("dialect", list(Dialect))
def test_parameters_change_the_declaration(rig: TriggerRig, dialect: Dialect) -> None:
    own = HERE | {"parameters": [parameter("topic", dataKey="who")]}
    assert rig.shown(own, dialect=dialect)["topic"] == "me"
    head = TocsinTriggerHead.model_validate({"parameters": [parameter("pulsar.topic", dataKey="who")]})
    assert rig.shown(HERE, dialect=dialect, head=head)["topic"] == "me"


def test_a_url_made_from_an_event_is_checked(rig: TriggerRig) -> None:
    trigger = rig.trigger(HERE | {"parameters": [parameter("url", dataKey="who")]})
    with pytest.raises(RenderError, match="expected pulsar://HOST:PORT"):
        trigger.render(a_bound({"who": "file:///etc/passwd"}))


def test_an_event_without_the_value_is_an_error(rig: TriggerRig) -> None:
    with pytest.raises(RenderError, match="who"):
        rig.trigger(HERE).render(a_bound({}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"url": "kafka://a:1"}, "expected pulsar://HOST:PORT"),
        ({"url": "pulsar://"}, "expected pulsar://HOST:PORT"),
        ({"url": "pulsar://me:hush@a:1"}, "no login in it"),
        ({"url": "pulsar://a:1/path"}, "expected pulsar://HOST:PORT"),
        ({"topic": ""}, "at least 1 character"),
        ({"payload": []}, "at least 1 item"),
        ({"tls": {"clientCertSecret": ref("c")}}, "set clientCertSecret and clientKeySecret"),
        ({"tls": {"caCertSecret": ref("ca")}}, "whom to trust is tlsTrustCertsSecret"),
        ({"authAthenzParams": {"tenantDomain": "shop"}}, "cannot log in by Athenz; use authTokenSecret"),
    ],
)
def test_what_cannot_work_is_refused(rig: TriggerRig, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        rig.trigger(HERE | change)


@pytest.mark.parametrize("fields", [{"properties": {"a": "b"}}, {"deduplicate": True}])
def test_what_argo_events_does_not_know_is_of_our_dialect(rig: TriggerRig, fields: dict[str, Any]) -> None:
    rig.trigger(HERE | fields)
    with pytest.raises(ValueError, match=r"only in manifests of apiVersion tocsin\.dev/v1"):
        rig.trigger(HERE | fields, Dialect.ARGO)


@pytest.mark.parametrize("url", ["pulsar://a", "pulsar+ssl://a.b:1,c-d:2", "https://a:8443", "http://a/", "pulsar://[::1]:6650"])
def test_urls_are_accepted_as_the_client_does(url: str) -> None:
    assert check_url(url) == url


@pytest.mark.parametrize(
    ("declared", "dialect", "checked"),
    [(None, Dialect.TOCSIN, True), (None, Dialect.ARGO, False), (True, Dialect.ARGO, True), (False, Dialect.TOCSIN, False)],
)
def test_the_name_in_a_certificate_is_checked_unless_argo_events_would_not(
    rig: TriggerRig, declared: bool | None, dialect: Dialect, checked: bool
) -> None:
    fields = HERE if declared is None else HERE | {"tlsValidateHostname": declared}
    trigger: Any = rig.trigger(fields, dialect)
    assert trigger._fitted.plain.way(trigger._credentials).check_name is checked


def test_the_login_by_certificate_counts_before_the_token(rig: TriggerRig) -> None:
    trigger: Any = rig.trigger(HERE | {"authTokenSecret": ref("token")})
    rig.values.values["token"] = b"t0ken\n"
    assert trigger._fitted.plain.way(trigger._credentials).token == "t0ken"
    assert rig.trigger(HERE | {"authTokenSecret": ref("token"), "tls": LOGIN})


def test_a_way_prints_no_secret() -> None:
    assert "hush" not in repr(PulsarWay("pulsar://a:1", TLSMaterial(key=b"hush"), token="hush"))


def test_compiling_and_showing_does_not_import_the_library() -> None:
    program = "import sys; import sensors.triggers.pulsar; print([name for name in ('pulsar', '_pulsar') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
