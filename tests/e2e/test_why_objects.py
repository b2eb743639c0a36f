"""`tocsin why KIND/NAMESPACE/NAME`, from the service and from its folder."""

import json
from pathlib import Path
from typing import Any

from service_process import Target, ask, calling, free_port, running, tocsin, webhook

from eventbus.contract import Decisions
from eventbus.event import Event, Identity
from eventbus.firing import Attempt, Cause, Firing, Outcome, OutcomeKind, TriggerRef, firing_id
from eventbus.sqlite import open_bus
from manifests.revision import canonical_json
from sensors.binding import bind
from sensors.bound import EventView
from tocsin.pinned import compiled
from tocsin.story import why


def send(port: int, ref: str) -> str:
    body = json.dumps({"ref": ref}).encode()
    status, _, answer = ask(
        f"http://127.0.0.1:{port}/push", method="POST", body=body, headers={"Content-Type": "application/json"}
    )
    assert status == 200
    return str(json.loads(answer)["id"])


def test_what_an_object_did_lately_and_why_not_more(tmp_path: Path) -> None:
    port, data = free_port(), tmp_path / "data"
    with Target().serving() as target:
        manifests = tmp_path / "m.yaml"
        idle = calling("idle", "http://127.0.0.1:1/x", event="tag")
        manifests.write_text("\n---\n".join((webhook("hooks", port), calling("call", f"http://127.0.0.1:{target.port}/x"), idle)))

        def text(*args: str) -> str:
            done = tocsin("why", *args, "--data", str(data))
            assert done.returncode == 0, done.stderr
            return done.stdout

        with running(str(manifests), data=data) as service:
            fired, passed = send(port, "refs/heads/main"), send(port, "refs/heads/dev")
            page = service.wait_for("/api/v1/firings", lambda found: found["items"] and found["items"][0]["state"] == "succeeded")
            firing = page["items"][0]["id"]
            service.wait_for("/api/v1/sources/hooks", lambda found: found["events"][0]["seen"] == 2)
            said = text("Sensor/default/call")
            assert f": {firing} call, succeeded at " in said
            assert f"event {passed} from hooks/push" in said
            assert '  main did not match: data body.ref: "refs/heads/dev" matches none of ["^refs/heads/main$"]' in said
            assert said.index(passed) < said.rindex(fired), "the newest first"
            found = service.get("/api/v1/why?id=Sensor/default/call")
            assert [event["event"]["id"] for event in found["events"]] == [passed, fired]
            assert [[one["id"] for one in event["firings"]] for event in found["events"]] == [[], [firing]]
            assert "nothing came in of what it depends on: default/hooks/tag" in text("sensor/default/idle")
        from_folder = text("EventSource/default/hooks")
        assert f"  fired call/call: {firing}, succeeded" in from_folder
        assert f"fired nothing; `tocsin explain {passed}` says why" in from_folder
        assert text("Sensor/default/call") == said
        missing = tocsin("why", "Sensor/default/nobody", "--data", str(data))
        assert (missing.returncode, "no sensor default/nobody is in force" in missing.stderr) == (1, True)
        unmade = tocsin("why", "Job/default/nothing", "--data", str(data))
        assert (unmade.returncode, "firings on record names Job/default/nothing" in unmade.stderr) == (1, True)


MAKING = {
    "apiVersion": "tocsin.dev/v1",
    "kind": "Sensor",
    "metadata": {"name": "make"},
    "spec": {
        "dependencies": [{"name": "push", "eventSourceName": "hooks", "eventName": "push"}],
        "triggers": [
            {
                "template": {
                    "name": "job",
                    "k8s": {
                        "operation": "create",
                        "source": {"resource": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "made"}}},
                    },
                }
            }
        ],
    },
}


async def test_the_firing_that_made_an_object_of_a_cluster_is_found(data_dir: Path) -> None:
    bus = await open_bus(data_dir)
    await bus.read("sensors", limit=1, timeout_s=0.0)
    await bus.declarations.put("Sensor/default/make", "r1", canonical_json(MAKING))
    event = Event(namespace="default", source="hooks", name="push", id="e1", type="webhook", time=None, data=b"{}")
    ((position, _, _),) = await bus.append([event])
    ref, identity = TriggerRef("default", "make", "job"), Identity("default", "hooks", "push", "e1")
    firing = Firing(
        id=firing_id(ref, [("push", identity)]),
        trigger=ref,
        revision="r1",
        causes=(Cause("push", position, identity),),
        decided_us=1_767_225_600_000_000,
    )
    await bus.commit(Decisions(group="sensors", position=position, firings=[firing]))
    ((taken),) = await bus.outbox.take(limit=1, timeout_s=1.0)
    request = _rendered(taken.firing)
    attempt = Attempt(number=1, started_us=1, ended_us=2, succeeded=True)
    await bus.outbox.close(firing.id, Outcome(kind=OutcomeKind.SUCCEEDED), attempt=attempt, request=request)
    for name in (f"import-{firing.id[:10]}", "made"):
        story: Any = await why(bus.journal, f"ConfigMap/default/{name}")
        assert story["firing"]["id"] == firing.id
    await bus.aclose()


def _rendered(firing: Firing) -> bytes:
    event = Event(namespace="default", source="hooks", name="push", id="e1", type="webhook", time=None, data=b"{}")
    trigger = compiled(canonical_json(MAKING)).triggers["job"]
    return trigger.acting.render(bind(firing, {firing.causes[0].position: EventView(event)}, {}))
