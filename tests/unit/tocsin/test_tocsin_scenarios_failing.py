"""`tocsin test` where something is not as expected, or wrong as it is written."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from scenario_rig import CALL, ORDER, PAID, Files, order, sensor

from tocsin.cli.root import tocsin

MAIN = "{name: order, eventSourceName: shop, eventName: order, filters: {data: [{path: id, type: string, value: ['^main$']}]}}"


def test_a_failure_names_its_line_what_differs_and_the_nearest_firing(tmp_path: Path) -> None:
    files = Files(tmp_path, sensor(MAIN, CALL))
    path = files.scenario(f"""
  targets: {{s/call: 500}}
  given:
    - event: {order("main")}
    - event: {order("dev")}
  expect:
    firings:
      - {{trigger: s/call, events: [main], outcome: succeeded, attempts: 1, request: {{body: {{id: other, more: 1}}}}}}
      - {{trigger: s/call, events: [dev]}}
""")
    assert files.run(code=1).splitlines() == [
        f"FAILED one ({path}:1): 2 events in {_lasted(files)}, 1 firing",
        f"  {path}:12:9: s/call of main is not as expected",
        '    outcome: expected "succeeded", seen "dead-lettered"',
        "    attempts: expected 1, seen 5",
        '    request.body.id: expected "other", seen "main"',
        "    request.body.more: expected 1, seen nothing there",
        "    why: the target answered 500 (attempt 5, the last)",
        f"  {path}:13:9: s/call of dev did not fire",
        '    why: s/order of dev did not match: data id: "dev" matches none of ["^main$"]',
        "0 passed, 1 failed",
    ]


def _lasted(files: Files) -> str:
    return str(json.loads(files.run("-o", "json", code=1))["scenarios"][0]["lasted"])


def test_a_firing_that_nothing_expects_is_a_failure_unless_others_are_allowed(tmp_path: Path) -> None:
    given = f"""
  given:
    - event: {order("a")}
"""
    files = Files(tmp_path)
    assert files.messages(given + "  expect: {firings: []}\n") == ["not expected: s/call of a at 0s, succeeded"]
    files.passes(given + "  expect: {firings: [], others: allowed}\n")
    assert files.messages(given + "  expect: {notFired: [{event: a}]}\n") == ["s/call of a fired at 0s"]
    assert files.messages(given + "  expect: {notFired: [{event: a, trigger: s/call}]}\n") == ["s/call of a fired at 0s"]
    assert files.messages(given + "  expect: {repeats: 1}\n") == ["repeats: not as expected"]


def test_a_firing_is_not_counted_for_two_expectations(tmp_path: Path) -> None:
    messages = Files(tmp_path).messages(f"""
  given:
    - event: {order("a")}
  expect: {{firings: [{{trigger: s/call}}, {{trigger: s/call, events: [a]}}]}}
""")
    assert messages == ["s/call of a did not fire"]


def test_exactly_refuses_what_a_request_has_besides(tmp_path: Path) -> None:
    found = Files(tmp_path).play(
        f"""
  given:
    - event: {order("a")}
  expect:
    firings:
      - {{trigger: s/call, exactly: true, request: {{method: POST, url: 'http://target.example/x', headers: {{}}}}}}
""",
        code=1,
    )
    assert found["failures"][0]["differences"] == [{"path": "request.body", "expected": "nothing there", "seen": {"id": "a"}}]


def test_a_request_that_cannot_be_built_is_said(tmp_path: Path) -> None:
    broken = CALL.replace("dataKey: id", "dataKey: nothing.there")
    found = Files(tmp_path, sensor(ORDER, broken)).play(
        f"""
  given:
    - event: {order("a")}
  expect: {{firings: [{{trigger: s/call, outcome: succeeded, request: {{body: {{id: a}}}}}}]}}
""",
        code=1,
    )
    outcome, request = found["failures"][0]["differences"]
    assert outcome["seen"] == "dead-lettered"
    assert "nothing.there" in found["failures"][0]["reasons"][0]
    assert request["seen"] == "nothing there"


def test_another_reason_or_verdict_than_expected_is_shown(tmp_path: Path) -> None:
    found = Files(tmp_path, sensor(MAIN, CALL)).play(
        f"""
  given:
    - event: {order("dev")}
  expect:
    notFired: [{{event: dev, sensor: s, reason: wrong colour}}]
    verdicts:
      - {{event: dev, sensor: s, dependency: order, matched: true}}
      - {{event: dev, sensor: s, dependency: order, matched: false, reason: wrong colour}}
""",
        code=1,
    )
    reason = 'data id: "dev" matches none of ["^main$"]'
    assert [failure["message"] for failure in found["failures"]] == [
        "dev fired nothing, for another reason",
        "s/order of dev: not as expected",
        "s/order of dev: not as expected",
    ]
    assert found["failures"][0]["reasons"] == [f"s/order of dev did not match: {reason}"]
    assert found["failures"][2]["differences"] == [{"path": "reason", "expected": "wrong colour", "seen": reason}]


def test_an_event_that_has_not_come_yet_is_said_to_be_so(tmp_path: Path) -> None:
    found = Files(tmp_path).play(
        f"""
  given:
    - expect: {{firings: [{{trigger: s/call, events: [a]}}]}}
    - event: {order("a")}
""",
        code=1,
    )
    assert found["failures"][0]["reasons"] == ["a has not come by now"]


WRONG = {
    "targets: {s/cal: 500}": ("500", "spec.targets['s/cal']: no trigger 's/cal' (did you mean 's/call'?)"),
    "expect: {firings: [{trigger: s/call, events: [b]}]}": ("b]", "spec.expect.firings[0].events[0]: no event 'b'"),
    "expect: {notFired: [{event: a, sensor: t}]}": ("t}]", "spec.expect.notFired[0].sensor: no sensor 't'"),
    "expect: {verdicts: [{event: a, sensor: s, dependency: oder, matched: true}]}": (
        "oder",
        "spec.expect.verdicts[0].dependency: no dependency 'oder' (did you mean 'order'?)",
    ),
    "expect: {firings: [], ohters: allowed}": ("ohters", "spec.expect.ohters: unknown field (did you mean 'others'?)"),
    "until: yesterday": ("yesterday", "spec.until: expected +5m"),
    "start: 2026-01-01T00:00:00": ("2026", "spec.start: the time has no zone"),
}
"""The line, where the mistake stands in it, and what is said about it."""


@pytest.mark.parametrize("line", WRONG)
def test_what_is_written_wrongly_is_named_with_its_place(tmp_path: Path, line: str) -> None:
    files = Files(tmp_path)
    expect = "" if line.startswith("expect") else "  expect: {others: allowed}\n"
    path = files.scenario(f"  {line}\n{expect}  given: [{{event: {order('a')}}}]\n")
    (token, message), shown = WRONG[line], files.run(code=2).splitlines()
    assert shown[0].startswith(f"{path}:5:{line.index(token) + 3}: ")
    assert message in shown[0]


def test_manifests_that_are_not_there_are_named(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.scenario(f"  manifests: [nowhere.yaml]\n  given: [{{event: {order('a')}}}]\n  expect: {{}}\n")
    assert f"{tmp_path / 'nowhere.yaml'}:0:0: cannot be read: there is no such file or folder" in files.run(code=2)


RULES = {
    "given: [{at: 1s}]": "expected one of event, anyOrder, restart, manifests and expect, got none of them",
    "given: [{restart: true, expect: {}}]": "got restart and expect",
    "given: [{restart: true, repeat: 2}]": "only an event can come again",
    "given: [{restart: soon}]": "expected true, or how long the service is away",
    "given: [{at: 5m, restart: true}, {at: 4m, expect: {}}]": "steps stand in the order of time",
    "given: [{restart: 5m}, {at: 4m, expect: {}}]": "before the step above it ends",
    "given: [{at: -4m, expect: {}}]": "time does not go back",
    "given: [{event: {source: shop, name: order, data: 1, text: a}}]": "an event has one of data, text, base64 and file",
    "given: [{event: {source: shop, name: order, file: no.json}}]": "no.json cannot be read",
    "given: [{event: {source: shop, name: order, base64: '%'}}]": "expected base64",
    "given: [{event: {source: shop, name: order}, every: 1s}]": "this needs repeat",
    "given: [{event: {source: shop, name: order}, repeat: 2001}]": "less than or equal to 2000",
    "given: [{at: 100000h, expect: {}}]": "more than 3660 days",
    "given: [{event: {source: shop, name: order}, repeat: 2000, every: 99h}]": "more than 3660 days",
    "given: [{event: {source: shop, name: order}, repeat: 2, every: -1s}]": "every: time does not go back",
    "given: [{at: 99999999999999h, expect: {}}]": "expected +5m",
    "until: 100000h": "more than 3660 days",
    "start: 1600-01-01T00:00:00Z": "expected a year from 1970 to 2199",
    "given: [{expect: {firings: [{trigger: s/call, at: +5m}]}}]": "there is no step before",
    "given: [{expect: {firings: [{trigger: s/call, exactly: true}]}}]": "exactly needs a request",
    "targets: {s/call: sometimes}": "expected a status code, ok, unavailable, refused, hang",
    "targets: {s/call: {status: 200, hangs: true}}": "an answer has one of",
    "targets: {s/call: []}": "at least one item",
    "given: []": "at least one item",
}


@pytest.mark.parametrize("line", RULES)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, line: str) -> None:
    files = Files(tmp_path)
    given = "" if line.startswith("given") else "  given: [{restart: true}]\n"
    files.scenario(f"  {line}\n{given}  expect: {{others: allowed}}\n")
    shown = files.run(code=2)
    assert RULES[line] in shown
    assert "test.yaml:" in shown


def test_a_scenario_that_expects_nothing_is_refused(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.scenario("  given: [{restart: true}]\n")
    assert "nothing is expected" in files.run(code=2)


def test_too_many_orders_are_refused(tmp_path: Path) -> None:
    files, events = Files(tmp_path), ", ".join(order(id) for id in "abcde")
    files.scenario(f"  given: [{{anyOrder: [{events}]}}, {{anyOrder: [{order('f')}, {order('g')}]}}]\n  expect: {{}}\n")
    assert "there are 240 orders" in files.run(code=2)


def test_a_manifest_that_is_wrong_is_named_and_nothing_is_played(tmp_path: Path) -> None:
    files = Files(tmp_path, sensor(ORDER, CALL.replace("method: POST", "method: FETCH")))
    files.scenario(f"  given: [{{event: {order('a')}}}]\n  expect: {{}}\n")
    shown = files.run(code=2)
    assert "FETCH" in shown
    assert "0 passed, 0 failed, 1 problem" in shown


def test_a_folder_without_scenarios_is_a_problem(tmp_path: Path) -> None:
    assert "no scenario here" in Files(tmp_path).run(code=2)


def test_an_event_that_nobody_knows_is_a_warning(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.scenario("  given: [{event: {source: shop, name: oder}}]\n  expect: {}\n")
    shown = files.run()
    assert "warning: spec.given[0].event: no event source declares shop/oder" in shown
    assert "did you mean 'shop/order'?" in shown


def test_scenarios_are_chosen_by_name_and_printed_line_by_line(tmp_path: Path) -> None:
    files = Files(tmp_path)
    for name in ("first", "second"):
        files.scenario(f"  given: [{{event: {order('a')}}}]\n  expect: {{}}\n", name=name, file=f"{name}.yaml")
    lines = [json.loads(line) for line in files.run("-o", "jsonl").splitlines()]
    assert [line["scenario"]["name"] for line in lines] == ["first", "second"]
    assert "second" not in files.run("--name", "fir")
    assert "no scenario here has a name that holds 'third'" in files.run("--name", "third", code=2)


def test_the_service_and_validate_know_scenarios_and_do_not_run_them(tmp_path: Path) -> None:
    files = Files(tmp_path, sensor(f"{ORDER}, {PAID}", "{template: {name: log, conditions: order && paid, log: {}}}"))
    files.scenario("  given: [{restart: true}]\n  expect: {}\n")
    done = CliRunner().invoke(tocsin, ["validate", str(tmp_path)])
    assert "1 event source, 1 sensor, 1 scenario valid" in done.output
    files.scenario("  given: [{restrat: true}]\n  expect: {}\n")
    done = CliRunner().invoke(tocsin, ["validate", str(tmp_path)])
    assert (done.exit_code, "did you mean 'restart'?" in done.output) == (2, True)


def test_nothing_is_written_and_no_log_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    files = Files(tmp_path)
    files.scenario(f"  targets: {{s/call: refused}}\n  given: [{{event: {order('a')}}}]\n  expect: {{}}\n")
    before = sorted(tmp_path.rglob("*"))
    files.run()
    assert sorted(tmp_path.rglob("*")) == before
    assert capfd.readouterr() == ("", "")


def test_one_slip_is_one_problem(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.scenario("  given: [{restrat: true}]\n")
    assert files.run(code=2).splitlines()[1:] == ["0 passed, 0 failed, 1 problem"]


def test_what_differs_is_cut_where_it_is_long(tmp_path: Path) -> None:
    files = Files(tmp_path, sensor(ORDER, CALL.replace("dataKey: id", "dataKey: text")))
    path = files.scenario(f"""
  given:
    - event: {order("a", text="x" * 5000)}
  expect: {{firings: [{{trigger: s/call, request: {{body: {{id: {list(range(100))}}}}}}}]}}
""")
    shown = files.run(code=1)
    assert "… and 62 more lines" in shown
    assert "… (5002 characters)" in shown
    assert len(shown) < 3000 + 10 * len(str(path))


def test_where_no_events_are_named_the_last_to_come_are_explained(tmp_path: Path) -> None:
    found = Files(tmp_path, sensor(MAIN, CALL)).play(
        """
  given: [{event: {source: shop, name: order, data: {id: dev}}, repeat: 30}]
  expect: {firings: [{trigger: s/call}]}
""",
        code=1,
    )
    assert [reason.split()[2] for reason in found["failures"][0]["reasons"]] == ["26", "27", "28", "29", "30"]
