"""What does not go well: found, named with what to do, said once when it begins and once when it is over."""

import re
from pathlib import Path
from typing import get_args

import pytest
from structlog.testing import capture_logs

from eventbus.contract import Decisions, DependencyRef
from eventbus.event import Event, Road
from eventbus.firing import Attempt, TriggerRef
from eventbus.memory import MemoryBus
from manifests.objects import ObjectRef
from sensors.erring import IN_A_ROW, Erring
from sensors.lanes import Hanging
from tocsin.metrics import Metrics
from tocsin.objects import EventState, ObjectState, State
from tocsin.trouble import Trouble, What, with_troubles
from tocsin.trouble_finders import FAILED_IN_A_ROW, FAILS_FOR_US, SLOW_FOR_US, SLOW_TIMES, of_rules, of_sources, of_targets
from tocsin.troubles import Troubles

OPERATIONS = Path(__file__).resolve().parents[3] / "docs" / "operations.md"
TRIGGER = TriggerRef("default", "deploy", "call")
SENSOR = ObjectRef("Sensor", "default", "deploy")
NOW_US = 1_700_000_000_000_000


def failed(metrics: Metrics, times: int, *, at_us: int = NOW_US) -> None:
    for number in range(1, times + 1):
        attempt = Attempt(number=number, started_us=at_us, ended_us=at_us, succeeded=False, reason="answered 500")
        metrics.attempted(TRIGGER, attempt)


@pytest.fixture
def metrics() -> Metrics:
    made = Metrics()
    made.declare_triggers(SENSOR, [TRIGGER])
    return made


def test_a_trigger_that_does_nothing_but_fail_is_named_until_it_succeeds(metrics: Metrics) -> None:
    find = of_targets(metrics, lambda longer: {})
    failed(metrics, FAILED_IN_A_ROW - 1)
    assert list(find(NOW_US)) == []
    failed(metrics, 1)
    (found,) = find(NOW_US)
    assert (found.ref, found.part, found.what, found.since_us) == (SENSOR, "trigger call", "fails", NOW_US)
    assert "answered 500" in found.reason
    assert "--sensor deploy --trigger call" in found.hint
    assert list(find(NOW_US + FAILS_FOR_US)) == [], "nobody has tried it for long"
    metrics.attempted(TRIGGER, Attempt(number=9, started_us=1, ended_us=NOW_US, succeeded=True))
    assert list(find(NOW_US)) == []


def test_attempts_that_hang_are_named_while_none_of_their_trigger_succeeds(metrics: Metrics) -> None:
    find = of_targets(metrics, lambda longer: {TRIGGER: Hanging(32, 14.0, waiting=True)})
    (found,) = find(NOW_US)
    assert (found.what, found.since_us) == ("hangs", NOW_US - 14_000_000)
    assert found.reason.startswith("32 attempts get no answer, the first of them for 14s")
    metrics.attempted(TRIGGER, Attempt(number=1, started_us=1, ended_us=NOW_US - 1_000_000, succeeded=True))
    assert list(find(NOW_US)) == [], "some are only slow"
    (found,) = of_targets(metrics, lambda longer: {TRIGGER: Hanging(1, 14.0, waiting=False)})(NOW_US + 60_000_000)
    assert found.reason == "1 attempt gets no answer for 14s"


def test_the_command_that_is_named_takes_no_others_of_the_same_name() -> None:
    metrics, elsewhere = Metrics(), TRIGGER._replace(namespace="shop", trigger="call it")
    metrics.declare_triggers(ObjectRef("Sensor", *elsewhere[:2]), [elsewhere])
    for number in range(1, 10):
        metrics.attempted(elsewhere, Attempt(number=number, started_us=1, ended_us=NOW_US, succeeded=False))
    (found,) = of_targets(metrics, lambda longer: {})(NOW_US)
    assert "redrive --namespace shop --sensor deploy --trigger 'call it'`" in found.hint


def test_rules_that_fail_or_take_long_are_named() -> None:
    erring, ref = Erring(), DependencyRef("default", "deploy", "main")
    for _ in range(IN_A_ROW):
        erring.erred(ref, lambda: "script: no such field", NOW_US)
    for _ in range(SLOW_TIMES):
        erring.took(ref, 0.125, NOW_US)
    errs, slow = of_rules(erring)(NOW_US)
    assert (errs.part, errs.what) == ("dependency main", "errs")
    assert "script: no such field" in errs.reason
    assert "up to 125 ms" in slow.reason
    assert [one.what for one in of_rules(erring)(NOW_US + SLOW_FOR_US)] == ["errs"]


def test_a_source_that_runs_and_says_what_is_wrong_is_named_and_one_that_stopped_is_not() -> None:
    ref = ObjectRef("EventSource", "default", "git")
    unwell = EventState(kind="github", running=True, message="hooks are not registered", since_us=5)
    stopped = EventState(kind="kafka", running=False, message="no broker")
    states = [ObjectState(ref=ref, state=State.DEGRADED, events={"push": unwell, "topic": stopped})]
    (found,) = of_sources(lambda: states)(NOW_US)
    assert found == Trouble(ref, "event push", "unwell", "hooks are not registered", 5, "")


def test_what_runs_is_degraded_by_its_troubles_and_what_is_stopped_stays_so() -> None:
    trouble = Trouble(SENSOR, "trigger call", "fails", "answered 500", NOW_US, "see to it")
    view = with_troubles({"state": "running", "message": ""}, [trouble])
    assert (view["state"], view["message"]) == ("degraded", "trigger call: answered 500; see to it")
    assert [one["what"] for one in view["troubles"]] == ["fails"]
    assert with_troubles({"state": "stopped", "message": "m"}, [trouble])["message"] == "m"
    assert with_troubles({"state": "running", "message": ""}, []) == {"state": "running", "message": "", "troubles": []}


async def test_a_trouble_is_said_when_it_begins_and_when_it_is_over() -> None:
    present = [Trouble(SENSOR, "trigger call", "fails", "answered 500", NOW_US, "see to it")]
    troubles = Troubles([lambda now_us: list(present)], MemoryBus().journal)
    with capture_logs() as said:
        for _ in range(3):
            await troubles.look()
        present.clear()
        await troubles.look()
    assert [(line["event"], line["object"], line["what"]) for line in said] == [
        ("trouble", "Sensor/default/deploy", "fails"),
        ("trouble_over", "Sensor/default/deploy", "fails"),
    ]
    assert troubles.counts([SENSOR]) == {SENSOR: 0}


async def test_an_event_that_was_set_aside_is_named_at_its_source() -> None:
    bus = MemoryBus()
    road = Road("default", "hooks", "push")
    event = Event(namespace="default", source="hooks", name="push", id="e1", type="webhook", time=None, data=b"{}")
    ((position, _, _),) = await bus.append([event])
    await bus.read("sensors", limit=1, timeout_s=1)
    await bus.commit(Decisions(group="sensors", position=position, quarantined={position: "4 starts ended"}))
    troubles = Troubles([], bus.journal)
    await troubles.look()
    ((ref, (found,)),) = troubles.now().items()
    assert (ref.name, found.part, found.what) == (road.source, "event push", "set-aside")
    assert "e1 was set aside undecided: 4 starts ended" in found.reason


def test_the_page_about_operations_says_what_to_do_about_each_trouble() -> None:
    table = OPERATIONS.read_text().partition("## Bad neighbours")[2].partition("\n## ")[0]
    assert set(get_args(What)) <= set(re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE))
