"""The custom trigger without a network: what it accepts, renders and shows."""

import sys
import threading
from typing import Any, NoReturn

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from trigger_rig import PAYLOAD, TriggerRig, a_bound, parameter, ref

from manifests.objects import Dialect, TocsinTriggerHead
from sensors.errors import RenderError
from sensors.triggers import custom
from sensors.triggers.custom import CustomKind
from sensors.triggers.custom_spec import CustomSpec, target
from sensors.triggers.custom_wire import EXECUTE, FETCH, JUDGE

HERE: dict[str, Any] = {"serverURL": "actions.shop.svc:50051", "spec": {"bucket": "b", "key": "k"}}


@pytest.fixture
def rig() -> TriggerRig:
    return TriggerRig(CustomKind)


@pytest.mark.parametrize("dialect", list(Dialect))
def test_what_is_shown_is_what_would_be_handed_over_and_no_secret_is_read(rig: TriggerRig, dialect: Dialect) -> None:
    fields = HERE | {
        "secure": True,
        "certSecret": ref("ca"),
        "serverNameOverride": "actions",
        "payload": PAYLOAD,
        "parameters": [parameter("spec.who", dataKey="who"), parameter("spec.absent", dataKey="absent", value="v")],
    }
    assert rig.shown(fields, dialect=dialect) == {
        "serverURL": "actions.shop.svc:50051",
        "secure": True,
        "spec": {"bucket": "b", "key": "k"},
        "parameters": [{"dest": "spec.who", "value": "me"}, {"dest": "spec.absent", "value": "v"}],
        "payload": {"who": "me"},
    }
    assert rig.values.reads == 0


def test_without_payload_and_parameters_none_are_shown(rig: TriggerRig) -> None:
    assert rig.shown(HERE) == {"serverURL": "actions.shop.svc:50051", "secure": False, "spec": {"bucket": "b", "key": "k"}}


@pytest.mark.parametrize("dialect", list(Dialect))
def test_parameters_of_the_trigger_change_the_declaration(rig: TriggerRig, dialect: Dialect) -> None:
    head = TocsinTriggerHead.model_validate({"parameters": [parameter("custom.spec.bucket", dataKey="who")]})
    assert rig.shown(HERE, dialect=dialect, head=head)["spec"] == {"bucket": "me", "key": "k"}


def test_an_address_made_from_an_event_is_checked(rig: TriggerRig) -> None:
    head = TocsinTriggerHead.model_validate({"parameters": [parameter("custom.serverURL", dataKey="who")]})
    with pytest.raises(RenderError, match="no address of a gRPC service"):
        rig.trigger(HERE, head=head).render(a_bound({"who": "unix:///run/containerd.sock"}))


def test_an_event_without_the_value_is_an_error(rig: TriggerRig) -> None:
    with pytest.raises(RenderError, match="who"):
        rig.trigger(HERE | {"payload": PAYLOAD}).render(a_bound({}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"serverURL": "http://a:1"}, "no address of a gRPC service"),
        ({"serverURL": "unix:///run/a.sock"}, "no address of a gRPC service"),
        ({"serverURL": "a:70000"}, "no address of a gRPC service"),
        ({"serverURL": ""}, "no address of a gRPC service"),
        ({"serverURL": "a:0"}, "no address of a gRPC service"),
        ({"serverURL": "a:1,b:1"}, "no address of a gRPC service"),
        ({"secure": True}, "secure needs certSecret"),
        ({"spec": None}, "dict"),
        ({"spec": {"a": 1}}, "string"),
        ({"timeout": "1s"}, "Extra inputs"),
    ],
)
def test_what_cannot_work_is_refused(rig: TriggerRig, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        rig.trigger(HERE | change)


def test_a_parameter_without_a_place_is_refused(rig: TriggerRig) -> None:
    with pytest.raises(ValueError, match=r"template\.custom\.parameters\[0\]"):
        rig.trigger(HERE | {"parameters": [parameter("", dataKey="who")]})


@pytest.mark.parametrize(
    ("url", "address"),
    [("a:1", "a:1"), ("dns:///a.b:65535", "a.b:65535"), ("passthrough:///a:1", "a:1"), ("dns:a", "a"), ("[::1]:5", "[::1]:5")],
)
def test_addresses_are_understood_as_upstream_writes_them(url: str, address: str) -> None:
    assert target(url) == address


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"]))))
def test_the_spec_is_read_from_its_yaml_as_it_was_declared(spec: dict[str, str]) -> None:
    made = CustomSpec.model_validate({"serverURL": "a:1", "spec": spec})
    assert yaml.load(made.as_yaml(), Loader=yaml.SafeLoader) == spec


def test_words_of_yaml_stay_text() -> None:
    spec = {"on": "yes", "n": "1e3", "null": "~", "lines": "a\nb: c\n", "date": "2026-01-01"}
    assert yaml.safe_load(CustomSpec.model_validate({"serverURL": "a:1", "spec": spec}).as_yaml()) == spec


def test_messages_are_on_the_wire_what_upstreams_services_read() -> None:
    assert FETCH.path == "/triggers.Trigger/FetchResource"
    assert FETCH.request(resource=b"r").SerializeToString() == b"\x0a\x01r"
    assert FETCH.answer.FromString(b"\x0a\x01r").resource == b"r"
    assert EXECUTE.request(resource=b"r", payload=b"p").SerializeToString(deterministic=True) == b"\x0a\x01r\x12\x01p"
    assert EXECUTE.answer.FromString(b"\x0a\x01x").response == b"x"
    assert JUDGE.request(request=b"x").SerializeToString() == b"\x0a\x01x"
    judged = JUDGE.answer.FromString(b"\x08\x01\x12\x02ok")
    assert (judged.success, judged.message) == (True, "ok")


async def test_the_library_is_loaded_beside_the_loop(rig: TriggerRig, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []

    def load(name: str) -> NoReturn:
        threads.append(threading.current_thread())
        raise ImportError(name)

    monkeypatch.delitem(sys.modules, "sensors.triggers.custom_calls", raising=False)
    monkeypatch.setattr(custom, "import_module", load)
    trigger = rig.trigger(HERE)
    with pytest.raises(ImportError, match=r"sensors\.triggers\.custom_calls"):
        await trigger.fire(trigger.render(a_bound({"who": "me"})), idempotency_key="k")
    assert threads != [threading.main_thread()]
    assert len(threads) == 1
