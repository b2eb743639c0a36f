"""`events capture`: what was recorded becomes a scenario that passes, without what nobody should see."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scenario_rig import CALL, ORDER, PAID, SOURCES, sensor

from eventbus.event import Event
from eventbus.memory import Stored
from manifests.load import load_text
from manifests.scenario_fields import Answer
from tocsin.declared import Declarations, kinds, load
from tocsin.queries import QueryError
from tocsin.scenarios import recorded as recorded_module
from tocsin.scenarios.capturing import MOST_INLINE, Capture, Captured, NotCaptured, merged
from tocsin.scenarios.house import living
from tocsin.scenarios.recorded import recording
from tocsin.scenarios.redacting import Redactor, tells_of_a_credential
from tocsin.scenarios.relaxing import relax
from tocsin.scenarios.targets import Script
from tocsin.scenarios.testing import play_text
from tocsin.scenarios.virtual_time import VirtualClock, run
from tocsin.scenarios.yaml_text import yaml_text

START = datetime(2026, 1, 5, 12, tzinfo=UTC)
BOTH = "{template: {name: both, conditions: order && paid, log: {}}}"
OUTCOMES = """
apiVersion: tocsin.dev/v1
kind: EventSource
metadata: {name: done}
spec:
  outcomes:
    done: {sensors: [s]}
"""
TOLD = sensor("{name: done, eventSourceName: done, eventName: done}", "{template: {name: tell, log: {}}}", "told")


def event(id: str, data: Any = None, name: str = "order", **more: Any) -> Event:
    raw = data if isinstance(data, bytes) else json.dumps({"id": id} if data is None else data).encode()
    return Event(namespace="default", source="shop", name=name, id=id, type="webhook", time=None, data=raw, **more)


def declare(folder: Path, *documents: str) -> Declarations:
    (folder / "manifests.yaml").write_text("\n---\n".join([SOURCES, *documents]))
    declared = load([folder / "manifests.yaml"])
    assert [str(problem) for problem in declared.problems] == []
    return declared


def record(
    declared: Declarations,
    events: Sequence[Event],
    ids: Sequence[str],
    answers: dict[str, list[Any]] | None = None,
    apart_s: float = 10.0,
) -> Any:
    """Let the service decide and do what follows from `events`, some time apart; the recordings of `ids`."""

    async def main() -> Any:
        scripts = {name: Script([Answer.model_validate(one) for one in given]) for name, given in (answers or {}).items()}
        async with living(VirtualClock(START), Stored(), scripts) as house:
            await house.begin()
            await house.apply({one.ref: one for one in declared.sensors}, declared.sources, ("outcomes",))
            for one in events:
                await house.bus.append([one])
                await house.clock.sleep(apart_s)
            await house.rest()
            return merged([await recording(house.bus.journal, id) for id in ids])

    return run(main())


def capture(recorded: Any, folder: Path, *, redactor: Redactor | None = None, beside: bool = True) -> Captured:
    made = Capture(name="one", manifests=["manifests.yaml"], redactor=redactor or Redactor(), beside=beside).capture(recorded)
    for name, data in made.files.items():
        (folder / name).write_bytes(data)
    return made


def passes(captured: Captured, folder: Path) -> Any:
    """The scenario as it was read back; it passes."""
    first = play_text(yaml_text(captured.scenario), str(folder / "one.yaml")).view()["scenarios"]
    relax(captured.scenario, first[0]["failures"] if first else [])
    text = yaml_text(captured.scenario)
    tested = play_text(text, str(folder / "one.yaml"))
    assert [str(problem) for problem in tested.problems] == []
    assert [result.view()["failures"] for result in tested.results] == [[]]
    return yaml.safe_load(text)["spec"]


def test_an_event_and_what_it_fired_pass_as_they_were_recorded(tmp_path: Path) -> None:
    declared = declare(tmp_path, sensor(ORDER, CALL))
    spec = passes(capture(record(declared, [event("a"), event("b")], ["b"]), tmp_path), tmp_path)
    assert [step["event"]["id"] for step in spec["given"]] == ["b"]
    (firing,) = spec["expect"]["firings"]
    assert (firing["trigger"], firing["attempts"], firing["outcome"]) == ("s/call", 1, "succeeded")
    assert firing["request"]["body"] == {"id": "b"}
    assert spec["start"] == "2026-01-05T12:00:10.000000Z"


def test_what_targets_answered_is_answered_again(tmp_path: Path) -> None:
    declared = declare(tmp_path, sensor(ORDER, CALL))
    given: dict[str, list[Any]] = {"s/call": [503, 503, "unavailable", "ok", 404, {"refused": "sold out"}, *[500] * 5]}
    recorded = record(declared, [event(id) for id in "abcd"], list("abcd"), given, apart_s=1000.0)
    spec = passes(capture(recorded, tmp_path), tmp_path)
    assert [firing["outcome"] for firing in spec["expect"]["firings"]] == ["succeeded", *["dead-lettered"] * 3]
    answers = spec["targets"]["s/call"]
    assert {"refused": "sold out"} in answers
    assert 404 in answers


def test_events_that_were_joined_are_captured_together(tmp_path: Path) -> None:
    declared = declare(tmp_path, sensor(f"{ORDER}, {PAID}", f"{BOTH}, {CALL}"))
    recorded = record(declared, [event("a"), event("b", name="paid"), event("c")], ["b", "c"])
    spec = passes(capture(recorded, tmp_path), tmp_path)
    assert [(step.get("at"), step["event"]["id"]) for step in spec["given"]] == [(None, "a"), ("10s", "b"), ("20s", "c")]
    assert [(one["trigger"], one["events"]) for one in spec["expect"]["firings"]] == [
        ("s/both", ["a", "b"]),
        ("s/call", ["a", "b"]),
    ]


def test_what_the_service_tells_of_its_own_firings_comes_again_by_itself(tmp_path: Path) -> None:
    declared = declare(tmp_path, sensor(ORDER, CALL), OUTCOMES, TOLD)
    recorded = record(declared, [event("a")], ["a"])
    assert [one["given"] for one in recorded["events"]] == [True, False]
    spec = passes(capture(recorded, tmp_path), tmp_path)
    assert len(spec["given"]) == 1
    assert [firing["trigger"] for firing in spec["expect"]["firings"]] == ["s/call", "told/tell"]


def test_what_an_event_does_not_have_it_does_not_get(tmp_path: Path) -> None:
    declared = declare(tmp_path, sensor(ORDER, "{template: {name: log, log: {}}}"))
    spec = passes(capture(record(declared, [event("a", {}, datacontenttype=None)], ["a"]), tmp_path), tmp_path)
    given_event = spec["given"][0]["event"]
    assert (given_event["time"], given_event["datacontenttype"]) == (None, None)
    context = spec["expect"]["firings"][0]["request"]["lines"][0]["eventContext"]
    assert (context["time"], context["datacontenttype"]) == (None, "")


def test_an_event_that_fired_nothing_must_fire_nothing(tmp_path: Path) -> None:
    declared = declare(tmp_path, sensor(ORDER, CALL))
    spec = passes(capture(record(declared, [event("p", name="paid")], ["p"]), tmp_path), tmp_path)
    assert spec["expect"] == {"firings": [], "notFired": [{"event": "p"}]}


def test_credentials_are_taken_out_of_events_and_requests(tmp_path: Path) -> None:
    trigger = CALL.replace("dataKey: id}, dest: id", "dataKey: body.note}, dest: note").replace("payload: [", "payload: [")
    declared = declare(tmp_path, sensor(ORDER, trigger))
    data = {
        "headers": {"Authorization": ["Bearer abcdefgh12345678"], "X-Hub-Signature-256": ["sha256=0a1b"], "Cookie": ["a=b"]},
        "body": {"note": "the key is hunter2-hunter2", "apiKey": "k", "tokens": 7, "author": "Ann", "url": "https://u:p@h/x"},
    }
    recorded = record(declared, [event("a", data, attributes={"authtoken": "t", "secret": "s"})], ["a"])
    captured = capture(recorded, tmp_path, redactor=Redactor(["hunter2-hunter2"]))
    text = yaml_text(captured.scenario)
    for secret in ("abcdefgh", "0a1b", "a=b", "hunter2", "u:p@", "apiKey: k"):
        assert secret not in text
    spec = passes(captured, tmp_path)
    assert spec["expect"]["firings"][0]["request"]["body"] == {"note": "the key is REDACTED"}
    body = spec["given"][0]["event"]["data"]["body"]
    assert (body["tokens"], body["author"], body["url"]) == (7, "Ann", "https://REDACTED@h/x")
    assert captured.notes[0].startswith("redacted: a: attributes.secret")


def test_large_data_goes_to_a_file_beside_and_other_data_stays_what_it_is(tmp_path: Path) -> None:
    declared = declare(tmp_path, sensor(ORDER, CALL))
    large = {"id": "large", "token": "secret-token", "text": "x" * MOST_INLINE}
    events = [event("large", large), event("text", b"no json: AKIAABCDEFGHIJKLMNOP"), event("bytes", b"\xff\x00")]
    recorded = record(declared, events, [one.id for one in events])
    with pytest.raises(NotCaptured, match="with --output FILE"):
        capture(recorded, tmp_path, beside=False)
    captured = capture(recorded, tmp_path)
    spec = passes(captured, tmp_path)
    assert [set(step["event"]) & {"data", "file", "text", "base64"} for step in spec["given"]] == [{"file"}, {"text"}, {"base64"}]
    (name,) = captured.files
    assert b"secret-token" not in captured.files[name]
    assert name.endswith(".data")  # a folder of manifests may hold it
    assert spec["given"][1]["event"]["text"] == "no json: REDACTED"
    assert any("no text" in note for note in captured.notes)


def test_half_a_surrogate_pair_is_captured_as_json_says_it(tmp_path: Path) -> None:
    declared = declare(tmp_path, sensor(ORDER, CALL))
    recorded = record(declared, [event("a", rb'{"id":"a","title":"cut \ud83d","token":"secret"}')], ["a"])
    spec = passes(capture(recorded, tmp_path), tmp_path)
    assert json.loads(spec["given"][0]["event"]["text"]) == {"id": "a", "title": "cut \ud83d", "token": "REDACTED"}


def test_replays_and_what_is_not_over_are_left_out_of_what_is_expected(tmp_path: Path) -> None:
    declared = declare(tmp_path, sensor(ORDER, CALL))
    recorded = record(declared, [event("a")], ["a"])
    recorded["firings"][0] |= {"state": "open", "attempts": []}
    captured = capture(recorded, tmp_path)
    assert "attempts" not in passes(captured, tmp_path)["expect"]["firings"][0]
    assert "is open" in captured.notes[0]


def test_events_of_several_namespaces_are_refused(tmp_path: Path) -> None:
    recorded = record(declare(tmp_path, sensor(ORDER, CALL)), [event("a"), event("b")], ["a", "b"])
    recorded["events"][0]["namespace"] = "other"
    with pytest.raises(NotCaptured, match="several namespaces"):
        capture(recorded, tmp_path)


def test_a_capture_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declared = declare(tmp_path, sensor(f"{ORDER}, {PAID}", BOTH))
    monkeypatch.setattr(recorded_module, "MOST_EVENTS", 1)
    with pytest.raises(QueryError, match="more than 1 events hang together"):
        record(declared, [event("a"), event("b", name="paid")], ["a"])


def test_a_capture_needs_the_data(tmp_path: Path) -> None:
    declared = declare(tmp_path, sensor(ORDER, CALL))

    async def forgotten() -> Any:
        stored = Stored()
        async with living(VirtualClock(START), stored, {}) as house:
            await house.begin()
            await house.apply({one.ref: one for one in declared.sensors}, declared.sources, ())
            await house.bus.append([event("a")])
            await house.rest()
            former = stored.events[1]
            stored.events[1] = former._replace(event=msgspec.structs.replace(former.event, data=None, forgotten=9))
            return await recording(house.bus.journal, "a")

    with pytest.raises(QueryError, match="no longer kept"):
        run(forgotten())


@pytest.mark.parametrize(
    ("name", "tells"),
    [
        ("X-Hub-Signature-256", True),
        ("X-Gitlab-Token", True),
        ("Set-Cookie", True),
        ("apiKey", True),
        ("aws_secret_access_key", True),
        ("clientSecret", True),
        ("Proxy-Authorization", True),
        ("SESSION_ID", True),
        ("author", False),
        ("authority", False),
        ("key", False),
        ("tokenizer", False),
        ("passenger", False),
    ],
)
def test_names_tell_of_credentials(name: str, tells: bool) -> None:
    assert tells_of_a_credential(name) is tells


@pytest.mark.parametrize(
    "text",
    [
        "ghp_abcdefghijklmnopqrstuvwxyz012345",
        "xoxb-1234567890-abcdefghij",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
        "glpat-abcdefghijklmnop",
    ],
)
def test_what_looks_like_a_credential_is_taken_out_wherever_it_stands(text: str) -> None:
    redactor = Redactor()
    assert redactor.redact({"note": [f"see {text} here"]}, "data") == {"note": ["see REDACTED here"]}
    assert list(redactor.found) == ["data.note[0]"]


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://x.example/hook?a=1&token=abc&b=2#c", "https://x.example/hook?a=1&token=REDACTED&b=2#c"),
        ("https://x.example/?API_KEY=abc", "https://x.example/?API_KEY=REDACTED"),
        ("https://hooks.slack.com/services/T0/B0/xyz and more", "https://hooks.slack.com/services/REDACTED and more"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic REDACTED"),
        ("https://x.example/?tokens=abc&page=2", "https://x.example/?tokens=abc&page=2"),
        ("Basic English", "Basic English"),
        ("refs/heads/main", "refs/heads/main"),
    ],
)
def test_logins_and_tokens_are_taken_out_of_addresses(text: str, clean: str) -> None:
    assert Redactor().text(text, "data") == clean


def test_what_only_begins_like_a_token_is_looked_through_once() -> None:
    before = process_time()
    assert Redactor().text("eyJ-" * 50_000, "data") == "eyJ-" * 50_000
    assert process_time() - before < 3.0


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(_JSON)
def test_what_is_written_as_yaml_is_read_back_as_it_was(value: Any) -> None:
    document = {
        "apiVersion": "tocsin.dev/v1",
        "kind": "Scenario",
        "metadata": {"name": "one"},
        "spec": {"given": [{"event": {"source": "s", "name": "n", "data": value}}], "expect": {}},
    }
    loaded = load_text(yaml_text(document), kinds(), file="s.yaml")
    assert [str(problem) for problem in loaded.problems] == []
    (scenario,) = loaded.scenarios.values()
    given_event = scenario.spec.given[0].event
    assert given_event is not None
    assert json.dumps(given_event.data) == json.dumps(value)
