"""What passes an event source's filter reaches the log; what does not is acknowledged, counted, and said where it failed."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from structlog.testing import capture_logs

from eventbus.contract import Appended
from eventbus.errors import BusUnavailable
from eventbus.event import Event, Road
from eventbus.memory.bus import MemoryBus
from sources.source import LEFT_OUT
from tocsin.changes import Changes
from tocsin.emitting import Emitter
from tocsin.metrics import Metrics
from tocsin.pauses import Pauses
from tocsin.sharing import Sharing
from tocsin.source_filter import BadFilter, SourceFilter, compile_filter

ROAD = Road("default", "src", "push")


def event(id: str, data: Any, **given: Any) -> Event:
    raw = data if isinstance(data, bytes) else msgspec.json.encode(data)
    return Event(namespace="default", source="src", name="push", id=id, type="webhook", time=None, data=raw, **given)


def pushed(id: str, branch: str) -> Event:
    return event(id, {"body": {"ref": f"refs/heads/{branch}"}})


async def test_what_does_not_pass_is_answered_and_not_kept() -> None:
    bus, metrics = MemoryBus(), Metrics()
    metrics.declare_roads([ROAD])
    kept = SourceFilter("body.ref endsWith 'main'", ROAD)
    emit = Emitter(bus, metrics, Changes(), Pauses(bus.state), sharing=Sharing(), road=ROAD, passes=kept.passes)
    assert (await emit(pushed("1", "main"))).id == "1"
    assert await emit(pushed("2", "dev")) == LEFT_OUT
    answers = await emit.batch([pushed("3", "dev"), pushed("4", "main"), pushed("5", "dev"), pushed("1", "main")])
    assert [(one.id, one.repeat) for one in answers] == [("", False), ("4", False), ("", False), ("1", True)]
    assert await emit.batch([pushed("6", "dev")]) == [LEFT_OUT]
    series = metrics.roads[ROAD]
    assert (series.accepted, series.repeated, series.filtered) == (2, 1, 4)
    assert kept.view() == {"expression": "body.ref endsWith 'main'", "left_out": 4, "failed": 0, "reason": None}


def test_what_strict_decoders_refuse_is_computed_on_all_the_same() -> None:
    kept = SourceFilter('body.message startsWith "cut" && body.size > 5', ROAD)
    assert kept.passes(event("1", rb'{"body": {"message": "cut \ud83d", "size": 1e400}}'))
    assert not kept.passes(event("2", rb'{"body": {"message": "cut \ud83d", "size": -1e400}}'))
    assert (kept.left_out, kept.failed) == (1, 0)


async def test_a_batch_that_the_log_does_not_take_is_not_counted_yet() -> None:
    bus, metrics = MemoryBus(), Metrics()
    metrics.declare_roads([ROAD])

    async def refuse(events: Any) -> list[Appended]:
        raise BusUnavailable("the disk is full")

    bus.append = refuse  # type: ignore[assignment, method-assign]
    emit = Emitter(
        bus,
        metrics,
        Changes(),
        Pauses(bus.state),
        sharing=Sharing(),
        road=ROAD,
        passes=SourceFilter("body.ref endsWith 'main'", ROAD).passes,
    )
    with pytest.raises(BusUnavailable):
        await emit.batch([pushed("1", "dev"), pushed("2", "main")])
    assert metrics.roads[ROAD].filtered == 0


@pytest.mark.parametrize(
    ("expression", "data", "said"),
    [
        ("body.missing.deep == 1", {"body": {}}, "nil has no members"),
        ("body.n", {"body": {"n": 4}}, "must give true or false"),
        ("body.n == 1", [1], "no JSON object"),
        ("body.n == 1", b"no json", "no JSON object: not JSON"),
        ("body.n == 1", b"", "no JSON object"),
        ("body.n == 1", {"body": {"n": 10**400}}, "no float can hold"),
    ],
)
def test_an_event_for_which_it_fails_is_left_out_and_said(expression: str, data: Any, said: str) -> None:
    kept = SourceFilter(expression, ROAD)
    with capture_logs() as logs:
        assert not kept.passes(event("7", data))
        assert not kept.passes(event("8", data))
    assert (kept.left_out, kept.failed) == (0, 2)
    assert said in kept.reason
    (log,) = [log for log in logs if log["log_level"] == "warning"]
    assert (log["event"], log["source"]) == ("source_filter_failed", "default/src/push")
    assert said in log["reason"]


def test_an_event_that_was_parsed_is_not_parsed_again() -> None:
    kept = SourceFilter("body.n == 4", ROAD)
    assert kept.passes(event("1", b"never read", tree={"body": {"n": 4}}))


@pytest.mark.parametrize(
    ("expression", "said"),
    [("body.a ==", "1:10: unexpected end"), ("'main'", "gives string"), ("nil", "gives nil"), ("len(body.l)", "gives int")],
)
def test_an_expression_that_lets_nothing_pass_is_refused(expression: str, said: str) -> None:
    with pytest.raises(BadFilter, match=said):
        compile_filter(expression)


def test_an_expression_sees_the_clock_that_it_is_given() -> None:
    kept = SourceFilter("now().Year() == 2001", ROAD, now=lambda: datetime(2001, 2, 3, tzinfo=UTC))
    assert kept.passes(pushed("1", "main")), kept.view()
