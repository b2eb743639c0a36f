"""`simulate`, seen from outside."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tocsin.cli.root import tocsin

EVENT = {"specversion": "1.0", "id": "1", "source": "github", "subject": "push", "type": "github"}
JSON_EVENT = EVENT | {"datacontenttype": "application/json"}


def sensor(dependencies: list[dict[str, Any]], triggers: list[dict[str, Any]], **metadata: str) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Sensor",
        "metadata": {"name": "s", **metadata},
        "spec": {"dependencies": dependencies, "triggers": [{"template": one} for one in triggers]},
    }


def dependency(name: str = "d", **filters: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "eventSourceName": "github", "eventName": "push"}
    return made | ({"filters": filters} if filters else {})


def http(**more: Any) -> dict[str, Any]:
    return {"name": "t", "http": {"url": "https://example.net/x", **more}}


def simulate(tmp_path: Path, objects: list[dict[str, Any]], events: list[dict[str, Any]] | str, *args: str, code: int = 0) -> Any:
    (tmp_path / "m.yaml").write_text("\n---\n".join(json.dumps(one) for one in objects))
    lines = events if isinstance(events, str) else "\n".join(map(json.dumps, events))
    (tmp_path / "e.jsonl").write_text(lines)
    paths = [str(tmp_path / "m.yaml"), "--events", str(tmp_path / "e.jsonl")]
    done = CliRunner().invoke(tocsin, ["simulate", *paths, "-o", "json", *args], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def test_the_shape_is_the_one_that_other_programs_rely_on(tmp_path: Path) -> None:
    wanted = {"data": [{"path": "body.ref", "type": "string", "value": ["refs/heads/main"]}]}
    payload = [{"src": {"dependencyName": "d", "dataKey": "body.ref"}, "dest": "ref"}]
    objects = [sensor([dependency(**wanted)], [http(method="PUT", payload=payload, headers={"X-A": "b"})])]
    events = [
        JSON_EVENT | {"data": {"body": {"ref": ref}}} | {"id": id_}
        for id_, ref in (("1", "refs/heads/dev"), ("2", "refs/heads/main"))
    ]
    assert simulate(tmp_path, objects, events) == {
        "verdicts": [
            {
                "sensor": "s",
                "dependency": "d",
                "event": {"source": "github", "id": "1"},
                "matched": False,
                "reason": 'data body.ref: "refs/heads/dev" matches none of ["refs/heads/main"]',
            },
            {"sensor": "s", "dependency": "d", "event": {"source": "github", "id": "2"}, "matched": True, "reason": ""},
        ],
        "firings": [
            {
                "sensor": "s",
                "trigger": "t",
                "events": [{"source": "github", "id": "2"}],
                "request": {
                    "method": "PUT",
                    "url": "https://example.net/x",
                    "headers": {"X-A": "b"},
                    "body": {"ref": "refs/heads/main"},
                },
            }
        ],
        "problems": [],
    }


def test_only_dependencies_on_the_events_road_have_a_verdict(tmp_path: Path) -> None:
    other = dependency("other") | {"eventName": "release"}
    found = simulate(
        tmp_path, [sensor([dependency(), other], [http() | {"conditions": "d || other"}])], [JSON_EVENT | {"data": {}}]
    )
    assert [verdict["dependency"] for verdict in found["verdicts"]] == ["d"]


def test_events_are_decided_in_file_order_by_sensors_of_every_namespace(tmp_path: Path) -> None:
    objects = [sensor([dependency()], [http()], namespace=namespace, name=namespace) for namespace in ("b", "a")]
    events = [JSON_EVENT | {"id": id_, "data": {}} for id_ in ("2", "1")]
    found = simulate(tmp_path, objects, events)
    assert [(v["event"]["id"], v["sensor"]) for v in found["verdicts"]] == [("2", "a"), ("2", "b"), ("1", "a"), ("1", "b")]
    assert [firing["events"] for firing in found["firings"]][::2] == [[{"source": "github", "id": id_}] for id_ in ("2", "1")]


def test_base64_data_decides_as_plain_data_does(tmp_path: Path) -> None:
    wanted = {"data": [{"path": "a", "type": "number", "value": ["1"]}]}
    found = simulate(tmp_path, [sensor([dependency(**wanted)], [http()])], [JSON_EVENT | {"data_base64": "eyJhIjogMX0="}])
    assert found["verdicts"][0]["matched"] is True


def test_numbers_reach_the_request_as_they_were_written(tmp_path: Path) -> None:
    payload = [{"src": {"dependencyName": "d", "dataKey": "n", "useRawData": True}, "dest": "n"}]
    line = json.dumps(JSON_EVENT)[:-1] + ',"data":{"n": 12345678901234567890123}}'
    found = simulate(tmp_path, [sensor([dependency()], [http(payload=payload)])], line)
    assert found["firings"][0]["request"]["body"]["n"] == 12345678901234567890123


def test_secrets_need_not_exist_and_never_show(tmp_path: Path) -> None:
    ref = {"name": "gate", "key": "token"}
    headers = [{"name": "X-Token", "valueFrom": {"secretKeyRef": ref}}]
    found = simulate(tmp_path, [sensor([dependency()], [http(secureHeaders=headers)])], [JSON_EVENT | {"data": {}}])
    assert found["firings"][0]["request"]["headers"]["X-Token"] == "***"
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "gate"}, "stringData": {"token": "canary"}}
    found = simulate(tmp_path, [secret, sensor([dependency()], [http(secureHeaders=headers)])], [JSON_EVENT | {"data": {}}])
    assert "canary" not in json.dumps(found)


def test_a_request_that_cannot_be_built_has_an_error_instead(tmp_path: Path) -> None:
    payload = [{"src": {"dependencyName": "d", "dataKey": "no.such"}, "dest": "x"}]
    found = simulate(tmp_path, [sensor([dependency()], [http(payload=payload)])], [JSON_EVENT | {"data": {}}])
    (firing,) = found["firings"]
    assert "request" not in firing
    assert "no.such" in firing["error"]


def test_the_clock_is_the_one_given(tmp_path: Path) -> None:
    payload = [{"src": {"dependencyName": "d", "dataTemplate": '{{ now | date "2006-01-02" }}'}, "dest": "day"}]
    objects = [sensor([dependency()], [http(payload=payload)])]
    found = simulate(tmp_path, objects, [JSON_EVENT | {"data": {}}], "--at", "2031-05-06T12:00:00Z")
    assert found["firings"][0]["request"]["body"]["day"] == "2031-05-06"


def test_what_is_wrong_in_manifests_and_events_is_listed_and_the_rest_is_decided(tmp_path: Path) -> None:
    bad = sensor([dependency(data=[{"path": "a", "type": "string", "value": ["("]}])], [http()], name="bad")
    events = json.dumps(JSON_EVENT | {"data": {}}) + "\nnot an event\n"
    found = simulate(tmp_path, [bad, sensor([dependency()], [http()])], events, code=2)
    assert [firing["sensor"] for firing in found["firings"]] == ["s"]
    files = {Path(problem["file"]).name: problem["line"] for problem in found["problems"]}
    assert files["e.jsonl"] == 2
    assert "m.yaml" in files


def test_nothing_to_say_is_empty_lists(tmp_path: Path) -> None:
    assert simulate(tmp_path, [sensor([dependency()], [http()])], "") == {"verdicts": [], "firings": [], "problems": []}


@pytest.mark.parametrize("args", [["--at", "noon"], ["--at", "2026-01-01T00:00:00"], ["--events", "/no/such/file"]])
def test_wrong_usage_exits_2(tmp_path: Path, args: list[str]) -> None:
    (tmp_path / "m.yaml").write_text("")
    (tmp_path / "e.jsonl").write_text("")
    done = CliRunner().invoke(tocsin, ["simulate", str(tmp_path / "m.yaml"), "--events", str(tmp_path / "e.jsonl"), *args])
    assert done.exit_code == 2


def test_a_repeat_is_decided_and_said(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(json.dumps(sensor([dependency()], [http()])))
    (tmp_path / "e.jsonl").write_text((json.dumps(JSON_EVENT | {"data": {}}) + "\n") * 2)
    done = CliRunner().invoke(tocsin, ["simulate", str(tmp_path / "m.yaml"), "--events", str(tmp_path / "e.jsonl"), "-o", "json"])
    assert len(json.loads(done.stdout)["firings"]) == 2
    assert "e.jsonl:2: the same event as in line 1" in done.stderr


def test_json_lines_are_verdicts_then_firings(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(json.dumps(sensor([dependency()], [http()])))
    (tmp_path / "e.jsonl").write_text(json.dumps(JSON_EVENT | {"data": {}}))
    done = CliRunner().invoke(
        tocsin, ["simulate", str(tmp_path / "m.yaml"), "--events", str(tmp_path / "e.jsonl"), "-o", "jsonl"]
    )
    assert [next(iter(json.loads(line))) for line in done.stdout.splitlines()] == ["verdict", "firing"]


def test_the_text_says_what_would_be_sent(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text(json.dumps(sensor([dependency()], [http()])))
    (tmp_path / "e.jsonl").write_text(json.dumps(JSON_EVENT | {"data": {}}))
    done = CliRunner().invoke(tocsin, ["simulate", str(tmp_path / "m.yaml"), "--events", str(tmp_path / "e.jsonl")])
    assert "github 1 → s/d: matched" in done.stdout
    assert "https://example.net/x" in done.stdout
    assert "1 verdict, 1 matched; 1 firing; 0 problems" in done.stdout


def test_a_reset_forgets_what_came_before_it_by_the_times_of_the_events(tmp_path: Path) -> None:
    reset = [{"byTime": {"cron": "30 2 * * *", "timezone": "Asia/Singapore"}}]
    other = dependency("e") | {"eventName": "other"}
    objects = [sensor([dependency(), other], [http() | {"conditions": "d && e", "conditionsReset": reset}])]
    times = (
        ("1", "push", "2024-07-05T18:29:59Z"),
        ("2", "other", "2024-07-05T18:30:00Z"),
        ("3", "push", "2024-07-06T18:29:00Z"),
        ("4", "push", "2024-07-06T18:31:00Z"),
    )
    events = [JSON_EVENT | {"id": id_, "subject": name, "time": time, "data": {}} for id_, name, time in times]
    (firing,) = simulate(tmp_path, objects, events)["firings"]
    assert firing["events"] == [{"source": "github", "id": "3"}, {"source": "github", "id": "2"}]
    without = [{key: value for key, value in event.items() if key != "time"} for event in events]
    (firing,) = simulate(tmp_path, objects, without, "--at", "2024-07-05T18:30:00Z")["firings"]
    assert firing["events"] == [{"source": "github", "id": "1"}, {"source": "github", "id": "2"}]


def source(expression: str, **metadata: str) -> dict[str, Any]:
    hook = {"endpoint": "/push", "port": "12000", "filter": {"expression": expression}}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "EventSource",
        "metadata": {"name": "github", **metadata},
        "spec": {"webhook": {"push": hook}},
    }


def pushes(*refs: Any) -> list[dict[str, Any]]:
    return [JSON_EVENT | {"id": str(n), "data": {"body": {"ref": ref}}} for n, ref in enumerate(refs)]


def test_an_event_that_the_filter_of_its_source_leaves_out_reaches_no_sensor(tmp_path: Path) -> None:
    objects = [source('body.ref endsWith "main"'), sensor([dependency()], [http()])]
    found = simulate(tmp_path, objects, pushes("dev", "main", 5))
    left_out = 'filter.expression "body.ref endsWith \\"main\\"" of github/push leaves the event out: the expression '
    assert [(v["event"]["id"], v["matched"], v["reason"][: len(left_out)]) for v in found["verdicts"]] == [
        ("0", False, left_out),
        ("1", True, ""),
        ("2", False, left_out),
    ]
    assert found["verdicts"][0]["reason"] == f"{left_out}is false"
    assert "failed" in found["verdicts"][2]["reason"]
    assert [firing["events"] for firing in found["firings"]] == [[{"source": "github", "id": "1"}]]
    assert [one["event"] for one in found["dropped"]] == [{"source": "github", "name": "push", "id": id_} for id_ in ("0", "2")]


def test_what_no_sensor_waits_for_is_dropped_by_the_filter_all_the_same(tmp_path: Path) -> None:
    other = dependency() | {"eventName": "release"}
    found = simulate(tmp_path, [source("false"), sensor([other], [http()])], pushes("main"))
    assert found["verdicts"] == []
    assert len(found["dropped"]) == 1


def test_a_filter_counts_in_its_own_namespace(tmp_path: Path) -> None:
    sensors = [sensor([dependency()], [http()], namespace=namespace, name=namespace) for namespace in ("a", "b")]
    found = simulate(tmp_path, [source("false", namespace="a"), *sensors], pushes("main"))
    assert [firing["sensor"] for firing in found["firings"]] == ["b"]


def test_a_filter_sees_the_clock_that_is_given(tmp_path: Path) -> None:
    objects = [source("now().Year() == 2031"), sensor([dependency()], [http()])]
    for year, fired in (("2031", 1), ("2032", 0)):
        assert len(simulate(tmp_path, objects, pushes("main"), "--at", f"{year}-05-06T12:00:00Z")["firings"]) == fired


def test_a_filter_that_cannot_work_is_a_problem_and_leaves_nothing_out(tmp_path: Path) -> None:
    found = simulate(tmp_path, [source("body.ref ="), sensor([dependency()], [http()])], pushes("main"), code=2)
    assert [problem["path"] for problem in found["problems"]] == ["spec.webhook.push.filter.expression"]
    assert len(found["firings"]) == 1
    assert "dropped" not in found


def test_the_text_and_the_lines_name_what_was_left_out(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("\n---\n".join(map(json.dumps, [source("false"), sensor([dependency()], [http()])])))
    (tmp_path / "e.jsonl").write_text("\n".join(map(json.dumps, pushes("main"))))
    command = ["simulate", str(tmp_path / "m.yaml"), "--events", str(tmp_path / "e.jsonl")]
    assert 'github 0: filter.expression "false"' in CliRunner().invoke(tocsin, command).stdout
    lines = CliRunner().invoke(tocsin, [*command, "-o", "jsonl"]).stdout.splitlines()
    assert [next(iter(json.loads(line))) for line in lines] == ["verdict", "dropped"]
