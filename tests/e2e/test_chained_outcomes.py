"""One action leads to the next: outcomes as events, chains over HTTP, and loops that stop and are named."""

import json
import signal
import time
from collections import Counter
from pathlib import Path

from service_process import Service, Target, ask, calling, free_port, running, sent, tocsin, webhook

JSON = {"Content-Type": "application/json"}

OUTCOMES = """
apiVersion: tocsin.dev/v1
kind: EventSource
metadata: {{name: chain}}
spec:
  outcomes:
    {name}: {{{what}}}
"""

FOLLOWING = """
apiVersion: tocsin.dev/v1
kind: Sensor
metadata: {{name: {name}}}
spec:
  dependencies:
    - {{name: before, eventSourceName: {source}, eventName: {event}}}
  triggers:
    - {more}
      template:
        name: call
        http:
          url: {target}
          method: POST
          payload: [{{src: {{dependencyName: before, dataKey: {key}}}, dest: before}}]
"""


def following(
    name: str, target: str, *, source: str = "chain", event: str, key: str = "firing", more: str = "timeout: 5s"
) -> str:
    return FOLLOWING.format(name=name, target=target, source=source, event=event, key=key, more=more)


def outcomes(name: str, what: str = "") -> str:
    return OUTCOMES.format(name=name, what=what)


def send(port: int, n: int = 1, headers: dict[str, str] | None = None) -> str:
    return sent(port, {"ref": "refs/heads/main", "n": n}, headers=headers)


def closed(service: Service, many: int) -> list[dict[str, object]]:
    def holds(page: dict[str, list[dict[str, object]]]) -> bool:
        return len(page["items"]) >= many and all(one["state"] != "open" for one in page["items"])

    return list(service.wait_for("/api/v1/firings?limit=1000", holds)["items"])


def test_an_outcome_is_an_event_that_the_next_sensor_acts_on(tmp_path: Path) -> None:
    port = free_port()
    with Target().serving() as target:
        url = f"http://127.0.0.1:{target.port}"
        manifests = tmp_path / "manifests.yaml"
        done = outcomes("deployed", "sensors: [deploy], outcomes: [succeeded], metadata: {stage: one}")
        manifests.write_text(
            "\n---\n".join(
                (
                    webhook("hooks", port),
                    calling("deploy", f"{url}/deploy"),
                    done,
                    following("announce", f"{url}/announce", event="deployed"),
                )
            )
        )
        with running(str(manifests), data=tmp_path / "data") as service:
            first = send(port)
            last, deploy = closed(service, 2)
            assert (last["sensor"], last["state"], last["hops"], last["correlation"]) == ("announce", "succeeded", 2, first)
            (cause,) = last["causes"]  # type: ignore[misc]
            assert cause["id"] == f"{deploy['id']}-1-succeeded"
            event = service.get(f"/api/v1/events/{cause['id']}")
            assert (event["causation"], event["correlation"], event["hops"]) == (deploy["id"], first, 1)
            data = event["data"]
            assert (data["sensor"], data["trigger"], data["outcome"], data["attempts"]) == ("deploy", "call", "succeeded", 1)
            assert (data["answer"], data["metadata"]) == ({"status": 200}, {"stage": "one"})
            assert [one["id"] for one in data["causes"]] == [first]
            (sent, _), (announced, body) = target.received
            assert json.loads(body) == {"before": deploy["id"]}
            assert (sent["Tocsin-Correlation-Id"], sent["Tocsin-Hops"]) == (first, "1")
            assert (announced["Tocsin-Causation-Id"], announced["Tocsin-Hops"]) == (last["id"], "2")
        told = tocsin("trace", first, "--data", str(tmp_path / "data")).stdout
        assert [line.strip(" └─│├").split(" ")[0] for line in told.splitlines() if "attempt" not in line] == [
            "event",
            "firing",
            "event",
            "firing",
        ]
        why = tocsin("why", str(last["id"]), "--data", str(tmp_path / "data")).stdout
        assert f"before it:\n  firing {deploy['id']} of deploy/call, succeeded" in why


def test_only_the_outcomes_that_were_asked_for_become_events(tmp_path: Path) -> None:
    port = free_port()
    with Target().serving() as target:
        url = f"http://127.0.0.1:{target.port}"
        manifests = tmp_path / "manifests.yaml"
        manifests.write_text(
            "\n---\n".join(
                (
                    webhook("hooks", port),
                    calling("deploy", f"{url}/deploy"),
                    outcomes("gave-up", "triggers: [call], outcomes: [dead-lettered, skipped]"),
                )
            )
        )
        with running(str(manifests), data=tmp_path / "data") as service:
            send(port, 1)
            closed(service, 1)
            target.status = 404
            send(port, 2)
            (dead, _) = closed(service, 2)
            assert dead["state"] == "dead-lettered"
            assert tocsin("dead-letters", "drop", str(dead["id"]), "--data", str(tmp_path / "data")).returncode == 0
            path = "/api/v1/events?source=chain"
            page = service.wait_for(path, lambda found: len(found["items"]) == 2)
            assert [one["id"] for one in page["items"]] == [f"{dead['id']}-1-skipped", f"{dead['id']}-1-dead-lettered"]
            data = service.get(f"/api/v1/events/{dead['id']}-1-dead-lettered")["data"]
            assert data["answer"] == {"status": 404}
            assert "answered 404" in data["reason"]


def test_a_chain_that_triggers_itself_stops_at_its_depth_and_is_named(tmp_path: Path) -> None:
    port = free_port()
    with Target().serving() as target:
        url = f"http://127.0.0.1:{target.port}"
        manifests = tmp_path / "manifests.yaml"
        manifests.write_text(
            "\n---\n".join(
                (
                    webhook("hooks", port),
                    calling("start", f"{url}/start"),
                    outcomes("any"),
                    following("again", f"{url}/again", event="any", more="maxHops: 5"),
                )
            )
        )
        data = tmp_path / "data"
        with running(str(manifests), data=data) as service:
            first = send(port)
            page = service.wait_for("/api/v1/firings?state=looped", lambda found: found["items"])
            (looped,) = page["items"]
            assert (looped["hops"], looped["attempts"]) == (6, [])
            assert looped["reason"] == "stopped at hop 6, the limit is 5: the loop again/call → again/call"
            assert len(closed(service, 6)) == 6
            assert len(target.received) == 5
            assert len(service.get("/api/v1/events")["items"]) == 6, "the end of the loop is no event"
            metrics = ask(f"{service.api}/metrics")[2].decode()
            assert 'tocsin_firings_closed_total{outcome="looped"} 1.0' in metrics
            assert "loop_stopped" in service.said()
        shown = tocsin("trace", first, "--data", str(data)).stdout
        end = shown.splitlines()[-1].strip(" └─")
        assert end.startswith(f"firing {looped['id']} of again/call: looped at ")
        assert ": stopped at hop 6, the limit is 5: the loop again/call" in end
        assert "the loop again/call → again/call" in tocsin("why", str(looped["id"]), "--data", str(data)).stdout


def test_a_loop_over_http_stops_too_and_names_every_trigger_in_it(tmp_path: Path) -> None:
    port, back = free_port(), free_port()
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(
        "\n---\n".join(
            (
                webhook("hooks", port),
                webhook("back", back, "pong"),
                calling("ping", f"http://127.0.0.1:{back}/pong"),
                following("pong", f"http://127.0.0.1:{port}/push", source="back", event="pong", key="body.ref").replace(
                    "dest: before", "dest: ref"
                ),
            )
        )
    )
    with running(str(manifests), "--max-hops", "6", data=tmp_path / "data") as service:
        first = send(port)
        (looped,) = service.wait_for("/api/v1/firings?state=looped", lambda found: found["items"])["items"]
        assert looped["reason"] == "stopped at hop 7, the limit is 6: the loop ping/call → pong/call → ping/call"
        assert looped["correlation"] == first
        assert len(closed(service, 7)) == 7
        events = service.get("/api/v1/events")["items"]
        assert {(one["hops"], one["correlation"]) for one in events} == {(hops, first) for hops in range(7)}


def test_a_sender_that_says_where_it_stands_in_a_chain_continues_it(tmp_path: Path) -> None:
    port = free_port()
    with Target().serving() as target:
        manifests = tmp_path / "manifests.yaml"
        manifests.write_text("\n---\n".join((webhook("hooks", port), calling("call", f"http://127.0.0.1:{target.port}/x"))))
        with running(str(manifests), data=tmp_path / "data") as service:
            told = {"Tocsin-Correlation-Id": "a%20b", "Tocsin-Causation-Id": "c" * 32, "Tocsin-Hops": "3"}
            event = service.get(f"/api/v1/events/{send(port, 1, told)}")
            assert (event["correlation"], event["causation"], event["hops"]) == ("a b", "c" * 32, 3)
            nonsense = {"Tocsin-Correlation-Id": "%00", "Tocsin-Causation-Id": "../x", "Tocsin-Hops": "-1"}
            id = send(port, 2, nonsense)
            event = service.get(f"/api/v1/events/{id}")
            assert (event["correlation"], event["causation"], event["hops"]) == (id, None, 0)
            far = send(port, 3, {"Tocsin-Hops": "999999"})
            page = service.wait_for("/api/v1/firings?state=looped", lambda found: found["items"])
            assert page["items"][0]["causes"][0]["id"] == far
            assert "what led to call/call is not on record here" in page["items"][0]["reason"]


def test_kills_between_outcomes_and_their_events_lose_none_and_double_none(tmp_path: Path) -> None:
    port, data, sent = free_port(), tmp_path / "data", []
    with Target().serving() as target:
        url = f"http://127.0.0.1:{target.port}"
        manifests = tmp_path / "manifests.yaml"
        manifests.write_text(
            "\n---\n".join(
                (
                    webhook("hooks", port),
                    calling("deploy", f"{url}/deploy"),
                    outcomes("deployed", "sensors: [deploy]"),
                    following("announce", f"{url}/announce", event="deployed"),
                )
            )
        )
        for run in range(4):
            with running(str(manifests), data=data) as service:
                until = time.monotonic() + 0.3 + 0.1 * run
                while time.monotonic() < until and len(sent) < 250 * (run + 1):
                    sent.append(send(port, len(sent)))
                service.stop(signal.SIGKILL)
        with running(str(manifests), data=data) as service:
            page = service.wait_for(
                "/api/v1/firings?sensor=announce&state=succeeded&limit=1000", lambda found: len(found["items"]) == len(sent)
            )
            assert {one["correlation"] for one in page["items"]} == set(sent)
            events = service.get("/api/v1/events?source=chain&limit=1000")["items"]
            assert Counter(one["correlation"] for one in events) == Counter(sent), "one event of each outcome"
            announced = Counter(headers["Idempotency-Key"] for headers, body in target.received if b"before" in body)
            assert len(announced) == len(sent), "one key of each announcement, however often it was sent"


def test_outcomes_declared_later_begin_with_what_ends_later_and_end_with_their_declaration(tmp_path: Path) -> None:
    port = free_port()
    with Target().serving() as target:
        manifests = tmp_path / "manifests.yaml"
        before = "\n---\n".join((webhook("hooks", port), calling("deploy", f"http://127.0.0.1:{target.port}/x")))
        manifests.write_text(before)
        with running(str(manifests), "--watch", data=tmp_path / "data") as service:
            send(port, 1)
            closed(service, 1)
            manifests.write_text(before + "\n---\n" + outcomes("deployed"))
            service.wait_for("/api/v1/sources", lambda found: len(found["items"]) == 2)
            send(port, 2)
            newest = closed(service, 2)[0]
            page = service.wait_for("/api/v1/events?source=chain", lambda found: found["items"])
            assert [one["causation"] for one in page["items"]] == [newest["id"]]
            manifests.write_text(before)
            service.wait_for("/api/v1/sources", lambda found: len(found["items"]) == 1)
            send(port, 3)
            closed(service, 3)
            manifests.write_text(before + "\n---\n" + outcomes("deployed"))
            service.wait_for("/api/v1/sources", lambda found: len(found["items"]) == 2)
            send(port, 4)
            newest = closed(service, 4)[0]
            page = service.wait_for("/api/v1/events?source=chain", lambda found: len(found["items"]) > 1)
            assert len(page["items"]) == 2
            assert page["items"][0]["causation"] == newest["id"]
