"""Filters of event sources in a running service: over HTTP, in what it shows, and in what `validate` says."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from structlog.testing import capture_logs

from eventbus.event import Road
from eventbus.memory.bus import MemoryBus
from manifests.objects import EventSource, ObjectRef
from sources.http.listener import HttpListener
from tocsin.changes import Changes
from tocsin.components import running
from tocsin.declared import load
from tocsin.kinds import source_kinds
from tocsin.metrics import Metrics
from tocsin.objects import ObjectState, State, source_view
from tocsin.pauses import Pauses
from tocsin.running_sources import RunningSources
from tocsin.secrets import HiddenValues

MANIFEST = """
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: hooks}
spec:
  webhook:
    push:
      endpoint: /push
      port: "0"
      method: POST
      filter:
        expression: %s
    other: {endpoint: /other, port: "0", method: POST}
"""


async def posted(url: str, body: Any) -> Mapping[str, Any]:
    async with aiohttp.ClientSession() as client, client.post(url, json=body) as answer:
        assert answer.status == 200
        return dict(await answer.json())


async def test_events_that_do_not_pass_are_answered_200_counted_and_shown(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MANIFEST % "body.branch in ['main', 'next'] && header['X-Kind'][0] != 'test'")
    declared = load([tmp_path])
    assert [*declared.problems, *declared.compiled_problems()] == []
    bus, metrics = MemoryBus(), Metrics()
    listener = HttpListener(host="127.0.0.1", port_offset=0, allow_unauthenticated=False)
    service = RunningSources(
        bus, metrics, Changes(), Pauses(bus.state), kinds=source_kinds(), values=HiddenValues(), listener=listener
    )
    (source,) = declared.sources
    async with running(service):
        metrics.declare_roads([Road("default", "hooks", event.name) for event in source.events])
        states = await service.apply([source])
        push = states[Road("default", "hooks", "push")]
        assert (await posted(push.endpoint, {"branch": "main"}))["id"] is None, "no header: it fails"
        async with (
            aiohttp.ClientSession(headers={"X-Kind": "push"}) as client,
            client.post(push.endpoint, json={"branch": "main"}) as taken,
            client.post(push.endpoint, json={"branch": "dev"}) as left,
        ):
            id_ = (await taken.json())["id"]
            assert len(id_) == 32
            assert (left.status, await left.json()) == (
                200,
                {"id": None, "reason": "the filter of this source leaves the event out"},
            )
        series = metrics.roads[Road("default", "hooks", "push")]
        assert (series.accepted, series.filtered) == (1, 2)
        state = ObjectState(
            ref=ObjectRef("EventSource", "default", "hooks"),
            state=State.RUNNING,
            events={road.name: one for road, one in states.items()},
        )
        shown = {event["name"]: event["filter"] for event in (await source_view(state, bus.journal))["events"]}
    assert shown["other"] is None
    assert (shown["push"]["left_out"], shown["push"]["failed"]) == (1, 1)
    assert "nil has no members" in shown["push"]["reason"]
    assert json.dumps(shown)


async def test_an_expression_that_cannot_work_stops_its_event_alone_and_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(MANIFEST % "type == 'push'")
    declared = load([tmp_path])
    (problem,) = declared.compiled_problems()
    assert (Path(problem.file).name, problem.line, problem.column) == ("a.yaml", 12, 21)
    assert problem.path == "spec.webhook.push.filter.expression"
    assert "1:6: function == string do not go together" in problem.message
    bus, metrics = MemoryBus(), Metrics()
    listener = HttpListener(host="127.0.0.1", port_offset=0, allow_unauthenticated=False)
    service = RunningSources(
        bus, metrics, Changes(), Pauses(bus.state), kinds=source_kinds(), values=HiddenValues(), listener=listener
    )
    (source,) = declared.sources
    async with running(service):
        metrics.declare_roads([Road("default", "hooks", event.name) for event in source.events])
        states = {road.name: state for road, state in (await service.apply([source])).items()}
    assert not states["push"].running
    assert "filter.expression" in states["push"].message
    assert states["other"].running


async def test_an_edit_to_an_expression_that_cannot_work_turns_no_sender_away(tmp_path: Path) -> None:
    def written(expression: str, endpoint: str = "/push") -> EventSource:
        (tmp_path / "a.yaml").write_text((MANIFEST % expression).replace("/push", endpoint))
        (source,) = load([tmp_path]).sources
        return source

    bus, metrics, push = MemoryBus(), Metrics(), Road("default", "hooks", "push")
    listener = HttpListener(host="127.0.0.1", port_offset=0, allow_unauthenticated=False)
    service = RunningSources(
        bus, metrics, Changes(), Pauses(bus.state), kinds=source_kinds(), values=HiddenValues(), listener=listener
    )
    async with running(service):
        metrics.declare_roads([push, Road("default", "hooks", "other")])
        before = (await service.apply([written("body.n > 1")]))[push]
        with capture_logs() as said:
            after = (await service.apply([written("body.n >", "/moved")]))[push]
        assert [(one["event"], one["source"]) for one in said] == [("source_runs_as_before", "default/hooks/push")]
        assert (after.endpoint, after.running) == (before.endpoint, True)
        assert (await posted(before.endpoint, {"n": 2}))["id"] is not None
        assert (await posted(before.endpoint, {"n": 1}))["id"] is None
        mended = (await service.apply([written("body.n > 2", "/moved")]))[push]
        assert mended.endpoint.endswith("/moved")
        assert (await posted(mended.endpoint, {"n": 2}))["id"] is None
