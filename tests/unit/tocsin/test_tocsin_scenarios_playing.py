"""`tocsin test`: what is given is played by the real parts of the service, on a clock of its own."""

import asyncio
import time
from functools import partial
from pathlib import Path

import pytest
from scenario_rig import CALL, ORDER, PAID, SOURCES, Files, order, sensor

from sensors.router import Router
from tocsin.components import Died
from tocsin.scenarios import playing, virtual_time


def test_an_event_fires_and_its_request_is_seen(tmp_path: Path) -> None:
    found = Files(tmp_path).passes(f"""
  given:
    - event: {order("a")}
  expect:
    firings:
      - {{trigger: s/call, events: [a], at: 0s, attempts: 1, outcome: succeeded, ended: 0s, request: {{body: {{id: a}}}}}}
""")
    assert found["firings"][0]["request"] == {
        "method": "POST",
        "url": "http://target.example/x",
        "headers": {},
        "body": {"id": "a"},
    }


def test_hours_of_retries_take_no_time(tmp_path: Path) -> None:
    began = time.monotonic()
    patient = CALL.replace("{template", "{retryStrategy: {steps: 60, duration: 1h, jitter: 0}, template")
    found = Files(tmp_path, sensor(ORDER, patient)).passes(f"""
  targets: {{s/call: unavailable}}
  given:
    - event: {order("a")}
  expect:
    deadLetters:
      - {{trigger: s/call, attempts: 60, ended: 59h}}
""")  # fmt: skip
    assert found["lasted"] == "59h"
    assert time.monotonic() - began < 20


def test_the_same_play_is_the_same_every_time(tmp_path: Path) -> None:
    spec = f"""
  targets: {{s/call: [503, unavailable, hang, ok]}}
  given:
    - {{event: {order("a")}, repeat: 1}}
    - {{at: +1s, event: {{source: shop, name: order, data: {{}}}}, repeat: 20, every: 100ms}}
  expect: {{others: allowed}}
"""
    files = Files(tmp_path)
    first, second = files.passes(spec), files.passes(spec)
    assert len(first["firings"]) == 21
    assert first == second


def test_what_a_target_answers_is_judged_as_the_http_trigger_does(tmp_path: Path) -> None:
    trigger = CALL.replace("{template", "{policy: {status: {allow: [409]}}, template")
    files = Files(tmp_path, sensor(ORDER, trigger))
    outcomes = {"409": "succeeded", "200": "dead-lettered", "404": "dead-lettered", "{refused: no}": "dead-lettered"}
    for answer, outcome in outcomes.items():
        files.passes(f"""
  targets: {{s/call: {answer}}}
  given:
    - event: {order("a")}
  expect:
    firings: [{{trigger: s/call, attempts: 1, outcome: {outcome}}}]
""")


def test_answers_come_one_after_the_other_and_the_last_goes_on(tmp_path: Path) -> None:
    found = Files(tmp_path).passes(f"""
  targets: {{s/call: [ok, {{status: 500, times: 2}}, {{status: 202, after: 3s}}]}}
  given:
    - event: {order("a")}
    - {{at: 1m, event: {order("b")}}}
    - {{at: 2m, event: {order("c")}}}
  expect:
    firings:
      - {{trigger: s/call, events: [a], attempts: 1}}
      - {{trigger: s/call, events: [b], attempts: 3, outcome: succeeded}}
      - {{trigger: s/call, events: [c], attempts: 1, ended: 2m3s}}
""")
    assert [attempt["status"] for attempt in found["firings"][1]["attempts"]] == [500, 500, 202]


def test_a_target_that_hangs_ends_the_attempt_at_its_deadline(tmp_path: Path) -> None:
    trigger = CALL.replace("{template", "{timeout: 7s, retryStrategy: {steps: 1}, template")
    Files(tmp_path, sensor(ORDER, trigger)).passes(f"""
  targets: {{s/call: hang}}
  given:
    - event: {order("a")}
  expect:
    firings: [{{trigger: s/call, outcome: dead-lettered, ended: 7s, reason: timed out after 7s}}]
""")


def test_what_a_target_asks_for_is_waited_for(tmp_path: Path) -> None:
    Files(tmp_path).passes(f"""
  targets: {{s/call: [{{status: 429, retryAfter: 10m}}, ok]}}
  given:
    - event: {order("a")}
    - {{at: 5s, event: {order("b")}}}
  expect:
    firings:
      - {{trigger: s/call, events: [a], tried: [0s, 10m]}}
      - {{trigger: s/call, events: [b], tried: [10m], at: 5s}}
""")


def test_an_event_that_comes_again_is_recognised_also_after_a_restart(tmp_path: Path) -> None:
    Files(tmp_path).passes(f"""
  given:
    - {{event: {order("a")}, repeat: 3, every: 1s}}
    - restart: 5s
    - event: {order("a")}
  expect:
    firings: [{{trigger: s/call, events: [a]}}]
    repeats: 3
""")


def test_events_without_an_id_are_numbered_as_they_come(tmp_path: Path) -> None:
    Files(tmp_path).passes("""
  given:
    - {event: {source: shop, name: order, data: {id: x}}, repeat: 2}
    - {event: {source: shop, name: order, data: {id: y}}}
  expect:
    firings:
      - {trigger: s/call, events: [3], request: {body: {id: y}}}
      - {trigger: s/call, events: [1]}
      - {trigger: s/call, events: [2]}
""")


def test_every_order_of_events_is_tried_and_the_one_that_fails_is_named(tmp_path: Path) -> None:
    both = "{template: {name: both, conditions: order && paid, log: {}}}"
    files = Files(tmp_path, sensor(f"{ORDER}, {PAID}", both))
    events = f"[{order('a')}, {{source: shop, name: paid, id: b}}, {order('c')}]"
    found = files.passes(f"""
  given:
    - anyOrder: {events}
  expect: {{others: allowed, firings: [{{trigger: s/both}}]}}
""")
    assert (found["plays"], found["order"]) == (6, ["c", "b", "a"])
    found = files.play(
        f"""
  given:
    - anyOrder: {events}
  expect: {{firings: [{{trigger: s/both, events: [b, c]}}]}}
""",
        code=1,
    )
    assert found["order"] == ["a", "b", "c"]  # there b completes a, and c comes too late
    assert "in the order a, b, c" in files.run(code=1)


def test_a_crash_during_an_attempt_repeats_it_and_ends_as_unknown_where_that_was_asked_for(tmp_path: Path) -> None:
    once = CALL.replace("{template: {name: call", "{atLeastOnce: false, template: {name: once")
    Files(tmp_path, sensor(ORDER, f"{CALL}, {once}")).passes(f"""
  targets: {{s/call: [hang, ok], s/once: hang}}
  given:
    - event: {order("a")}
    - {{at: 3s, restart: true}}
  expect:
    firings:
      - {{trigger: s/call, outcome: succeeded, tried: [3s]}}
      - {{trigger: s/once, outcome: unknown}}
""")


def test_joined_conditions_outlive_a_restart_and_are_forgotten_by_a_reset(tmp_path: Path) -> None:
    both = "{template: {name: both, conditions: order && paid, conditionsReset: [{byTime: {cron: '0 * * * *'}}], log: {}}}"
    Files(tmp_path, sensor(f"{ORDER}, {PAID}", both)).passes(f"""
  start: 2026-01-01T10:30:00Z
  given:
    - event: {order("a")}
    - restart: 29m
    - event: {{source: shop, name: paid, id: in-time}}
    - event: {order("b")}
    - at: 2026-01-01T11:00:30Z
      event: {{source: shop, name: paid, id: too-late}}
  expect:
    firings: [{{trigger: s/both, events: [a, in-time], at: 29m}}]
    notFired: [{{event: b, reason: a reset}}, {{event: too-late, reason: waits for order}}]
""")


def test_time_filters_see_the_clock_of_the_scenario(tmp_path: Path) -> None:
    office = "{name: order, eventSourceName: shop, eventName: order, filters: {time: {start: '09:00:00', stop: '17:00:00'}}}"
    Files(tmp_path, sensor(office, CALL)).passes(f"""
  start: 2026-01-01T08:00:00Z
  given:
    - event: {order("early")}
    - {{at: 2026-01-01T12:00:00+01:00, event: {order("noon")}}}
  expect:
    firings: [{{trigger: s/call, events: [noon], at: 3h}}]
    verdicts: [{{event: early, sensor: s, dependency: order, matched: false, reason: 08:00:00}}]
""")


def test_rate_limits_and_order_hold(tmp_path: Path) -> None:
    slow = CALL.replace("{template", "{rateLimit: {unit: Minute, requestsPerUnit: 2}, template")
    ordered = CALL.replace("{template: {name: call", "{orderBy: id, template: {name: ordered")
    Files(tmp_path, sensor(ORDER, f"{slow}, {ordered}")).passes("""
  targets: {s/ordered: [unavailable, ok]}
  given:
    - {event: {source: shop, name: order, data: {id: same}}, repeat: 3}
  expect:
    firings:
      - {trigger: s/call, events: [1], tried: [0s]}
      - {trigger: s/call, events: [2], tried: [30s]}
      - {trigger: s/call, events: [3], tried: [1m]}
      - {trigger: s/ordered, events: [1], attempts: 2}
      - {trigger: s/ordered, events: [2], ended: 1.2s, within: 600ms}
      - {trigger: s/ordered, events: [3], ended: 1.2s, within: 600ms}
""")


def test_data_is_given_in_four_forms(tmp_path: Path) -> None:
    (tmp_path / "body.bin").write_bytes(b'{"id": 12345678901}')
    Files(tmp_path).passes("""
  given:
    - {event: {source: shop, name: order, file: body.bin}}
    - {event: {source: shop, name: order, text: '{"id": "t"}'}}
    - {event: {source: shop, name: order, base64: eyJpZCI6ICJiIn0=}}
    - {event: {source: shop, name: order, data: {id: [1, null]}}}
  expect:
    firings:
      - {trigger: s/call, events: [1], request: {body: {id: '12345678901'}}}
      - {trigger: s/call, events: [2], request: {body: {id: t}}}
      - {trigger: s/call, events: [3], request: {body: {id: b}}}
      - {trigger: s/call, events: [4], request: {body: {id: '[1,null]'}}}
""")


def test_the_filter_of_an_event_source_leaves_events_out(tmp_path: Path) -> None:
    source = """
apiVersion: tocsin.dev/v1
kind: EventSource
metadata: {name: filtered}
spec:
  webhook:
    order: {endpoint: /o, port: "12001", method: POST, filter: {expression: id != "no"}}
"""
    other = sensor("{name: order, eventSourceName: filtered, eventName: order}", CALL)
    Files(tmp_path, source, other).passes("""
  given:
    - {event: {source: filtered, name: order, id: "yes", data: {id: "yes"}}}
    - {event: {source: filtered, name: order, id: "no", data: {id: "no"}}}
  expect:
    firings: [{trigger: s/call, events: ["yes"]}]
    notFired: [{event: "no", reason: left out by the filter of its event source}]
""")


def test_calendars_run_only_where_they_are_asked_for(tmp_path: Path) -> None:
    clock = """
apiVersion: tocsin.dev/v1
kind: EventSource
metadata: {name: clock}
spec:
  calendar:
    hourly: {schedule: "@hourly"}
"""
    ticks = sensor("{name: tick, eventSourceName: clock, eventName: hourly}", "{template: {name: log, log: {}}}", "ticks")
    files = Files(tmp_path, clock, ticks)
    spec = """
  start: 2026-01-01T00:30:00Z
  given: [{at: 0s, restart: true}]
  until: 2h
  expect: {firings: [%s]}
"""
    files.passes(spec % "")
    files.passes("  calendars: true" + spec % "{trigger: ticks/log, at: 30m}, {trigger: ticks/log, at: 1h30m}")


def test_secrets_are_not_needed_and_print_as_stars(tmp_path: Path) -> None:
    secure = CALL.replace(
        "method: POST", "method: POST, secureHeaders: [{name: X-Key, valueFrom: {secretKeyRef: {name: n, key: k}}}]"
    )
    Files(tmp_path, sensor(ORDER, secure)).passes(f"""
  given:
    - event: {order("a")}
  expect:
    firings: [{{trigger: s/call, outcome: succeeded, exactly: true, request:
      {{method: POST, url: 'http://target.example/x', headers: {{X-Key: '***'}}, body: {{id: a}}}}}}]
""")  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["kafka: {url: 'b:9092', topic: t}", "nats: {url: 'nats://n', subject: s}", "slack: {channel: c}"]
)
def test_every_kind_of_trigger_is_answered_for_and_none_is_reached(tmp_path: Path, kind: str) -> None:
    payload = "payload: [{src: {dependencyName: order, dataKey: id}, dest: id}]}"
    made = kind[:-1] + (", message: hello, slackToken: {name: n, key: k}}" if "slack" in kind else f", {payload}")
    Files(tmp_path, sensor(ORDER, f"{{template: {{name: call, {made}}}}}")).passes(f"""
  targets: {{s/call: [unavailable, ok]}}
  given:
    - event: {order("a")}
  expect:
    firings: [{{trigger: s/call, outcome: succeeded, attempts: 2}}]
""")


def test_the_same_moment_is_looked_at_between_steps(tmp_path: Path) -> None:
    Files(tmp_path).passes(f"""
  targets: {{s/call: [{{status: 200, after: 10s}}]}}
  given:
    - expect: {{firings: []}}
    - event: {order("a")}
    - expect: {{firings: [{{trigger: s/call, outcome: open}}]}}
    - {{at: +9s, expect: {{firings: [{{trigger: s/call, outcome: open}}]}}}}
    - {{at: +2s, expect: {{firings: [{{trigger: s/call, outcome: succeeded, ended: 10s}}]}}}}
""")


def test_an_edit_decides_what_comes_after_it_and_keeps_what_was_joined(tmp_path: Path) -> None:
    both = "{template: {name: both, conditions: order && paid, log: {}}}"
    (tmp_path / "v2").mkdir()
    after = sensor(f"{ORDER}, {PAID}", f"{both}, {{template: {{name: call, conditions: paid, log: {{}}}}}}")
    (tmp_path / "v2" / "all.yaml").write_text(SOURCES + "\n---\n" + after)
    before = sensor(f"{ORDER}, {PAID}", f"{both}, {CALL.replace('call, http', 'call, conditions: order, http')}")
    Files(tmp_path, before).passes(f"""
  targets: {{s/call: [unavailable, ok]}}
  given:
    - event: {order("a")}
    - manifests: [v2]
    - restart: true
    - event: {{source: shop, name: paid, id: b}}
  expect:
    firings:
      - {{trigger: s/both, events: [a, b]}}
      - {{trigger: s/call, events: [a], attempts: 2, request: {{url: 'http://target.example/x'}}}}
      - {{trigger: s/call, events: [b], attempts: 1}}
""")


def test_what_never_rests_is_given_up_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "run", partial(virtual_time.run, limit_s=0.3))
    restless = CALL.replace("{template", "{retryStrategy: {steps: 1000000000, duration: 1ms}, template")
    messages = Files(tmp_path, sensor(ORDER, restless)).messages(f"""
  targets: {{s/call: unavailable}}
  given:
    - event: {order("a")}
  expect: {{}}
""")
    assert messages[0].startswith("it goes on and on: given up after 0.3s")


def test_a_look_sees_what_ends_at_its_own_moment_however_much_happens_there(tmp_path: Path) -> None:
    found = Files(tmp_path).passes("""
  targets: {s/call: {status: 200, after: 10s}}
  given:
    - {event: {source: shop, name: order, data: {id: x}}, repeat: 200}
    - {at: 10s, expect: {firings: [{trigger: s/call, events: [32], outcome: succeeded, ended: 10s, within: 0s}], others: allowed}}
  expect: {others: allowed, firings: [{trigger: s/call, events: [200], at: 0s, within: 0s}]}
""")
    assert found["lasted"] == "1m10s"  # 32 at a time


def test_a_part_of_the_service_that_dies_ends_the_play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies(router: Router) -> None:
        router.ready.set()
        await asyncio.sleep(5)

    monkeypatch.setattr(Router, "run", dies)
    with pytest.raises(ExceptionGroup) as raised:
        Files(tmp_path).play(f"""
  given:
    - event: {order("a")}
  until: 10s
  expect: {{}}
""")
    assert raised.group_contains(Died, match="the router ended")
