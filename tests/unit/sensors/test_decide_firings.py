"""From a recorded event to firings."""

import pytest
from deciding_helpers import KINDS, NOW, J, NoValues, a_dependency, a_sensor, a_trigger, an_event, recorded

from eventbus.contract import DependencyRef
from eventbus.event import Identity
from eventbus.firing import Cause, TriggerRef, firing_id
from manifests.objects import Dialect, ObjectRef
from manifests.problems import Severity
from sensors.binding import bind
from sensors.bound import EventView
from sensors.compile import CompiledSensor, compile_sensor
from sensors.decide import Decider

AT = int(NOW.timestamp() * 1_000_000)
MAIN = [{"path": "ref", "type": "string", "value": ["^main$"]}]
DEV = [{"path": "ref", "type": "string", "value": ["^dev$"]}]


def compiled(*dependencies, **fields) -> CompiledSensor:
    return compile_sensor(a_sensor(*dependencies, **fields), KINDS, NoValues())


def fired(decider: Decider, event, position: int = 1) -> list[tuple[str, str]]:
    decided = decider.decide(recorded(event, position), now_us=AT)
    return [(firing.trigger.sensor, firing.trigger.trigger) for firing in decided.firings]


def test_a_match_is_a_firing_that_says_what_caused_it() -> None:
    decider = Decider([compiled(a_dependency("push", data=MAIN))])
    event = an_event({"ref": "main"}, id="e-7")
    decided = decider.decide(recorded(event, 42), now_us=AT)
    [firing] = decided.firings
    trigger, identity = TriggerRef("default", "sensor", "act"), Identity("default", "source", "name", "e-7")
    assert firing.id == firing_id(trigger, [("push", identity)])
    assert firing.trigger == trigger
    assert firing.causes == (Cause("push", 42, identity),)
    assert firing.decided_us == AT
    assert (firing.order_key, firing.record_start, firing.replay) == (None, False, 0)
    assert firing.revision == decider.sensor(ObjectRef("Sensor", "default", "sensor")).revision
    assert decided.matched == [DependencyRef("default", "sensor", "push")]


def test_deciding_twice_gives_the_same_firing() -> None:
    decider = Decider([compiled(a_dependency(data=MAIN))])
    event = recorded(an_event({"ref": "main"}))
    assert decider.decide(event, now_us=AT).firings == decider.decide(event, now_us=AT).firings


def test_correlation_and_hops_travel_with_the_chain() -> None:
    decider = Decider([compiled()])
    [first] = decider.decide(recorded(an_event({}, id="e-1")), now_us=AT).firings
    assert (first.correlation, first.hops) == ("e-1", 1)
    [later] = decider.decide(recorded(an_event({}, id="e-2", correlation="e-1", hops=1)), now_us=AT).firings
    assert (later.correlation, later.hops) == ("e-1", 2)


def test_a_sensor_never_sees_another_road() -> None:
    decider = Decider([compiled()])
    assert fired(decider, an_event({})) == [("sensor", "act")]
    for other in ({"namespace": "n2"}, {"source": "s2"}, {"name": "n2"}):
        assert fired(decider, an_event({}, **other)) == []


def test_one_event_behind_two_dependencies_joined_by_or_fires_once_with_both() -> None:
    decider = Decider([compiled(a_dependency("b", data=MAIN), a_dependency("a"))])
    [firing] = decider.decide(recorded(an_event({"ref": "main"})), now_us=AT).firings
    assert [cause.dependency for cause in firing.causes] == ["a", "b"]
    [firing] = decider.decide(recorded(an_event({"ref": "dev"})), now_us=AT).firings
    assert [cause.dependency for cause in firing.causes] == ["a"]


def test_each_trigger_fires_for_the_dependencies_of_its_condition() -> None:
    sensor = compiled(
        a_dependency("main", data=MAIN),
        a_dependency("dev", data=DEV),
        triggers=(a_trigger("on-main", "main"), a_trigger("on-any", "(dev || main)", index=1)),
    )
    decider = Decider([sensor])
    assert fired(decider, an_event({"ref": "main"})) == [("sensor", "on-main"), ("sensor", "on-any")]
    assert fired(decider, an_event({"ref": "dev"})) == [("sensor", "on-any")]
    assert fired(decider, an_event({"ref": "x"})) == []


def test_without_conditions_one_dependency_is_enough_where_there_is_one() -> None:
    assert fired(Decider([compiled(a_dependency(), triggers=(a_trigger(),))]), an_event({})) == [("sensor", "act")]


def test_firings_come_in_the_order_declared_whatever_the_index_gives() -> None:
    sensors = [compiled(a_dependency(data=clauses), name=f"s{at}") for at, clauses in enumerate([MAIN, None, MAIN, None, MAIN])]
    assert [sensor for sensor, _ in fired(Decider(sensors), an_event({"ref": "main"}))] == ["s0", "s1", "s2", "s3", "s4"]


@pytest.mark.parametrize(
    ("dialect", "head", "order_key", "record_start"),
    [
        (Dialect.ARGO, {}, None, False),
        (Dialect.ARGO, {"atLeastOnce": True}, "trigger", False),
        (Dialect.ARGO, {"atLeastOnce": False}, None, True),
        (Dialect.TOCSIN, {"atLeastOnce": True}, None, False),
        (Dialect.TOCSIN, {"atLeastOnce": False}, None, True),
        (Dialect.TOCSIN, {"orderBy": "k"}, "v", False),
        (Dialect.TOCSIN, {"orderBy": "n"}, "5", False),
        (Dialect.TOCSIN, {"orderBy": "nope"}, None, False),
        (Dialect.TOCSIN, {"orderBy": ""}, None, False),
    ],
)
def test_order_and_delivery_follow_the_manifest(dialect: Dialect, head: dict, order_key: str | None, record_start: bool) -> None:
    decider = Decider([compiled(a_dependency(), triggers=(a_trigger(**head),), dialect=dialect)])
    [firing] = decider.decide(recorded(an_event(J)), now_us=AT).firings
    assert (firing.order_key, firing.record_start) == (order_key, record_start)


# ---- what is in force -----------------------------------------------------------------------------------------------


def test_a_sensor_decides_only_what_comes_after_it() -> None:
    decider = Decider()
    decider.apply(compiled(), since=5)
    assert fired(decider, an_event({}), 5) == []
    assert fired(decider, an_event({}), 6) == [("sensor", "act")]


def test_events_that_wait_are_decided_by_the_revision_in_force_when_they_came() -> None:
    decider = Decider()
    decider.apply(compiled(triggers=(a_trigger("old"),), content={"v": 1}))
    decider.apply(compiled(triggers=(a_trigger("new"),), content={"v": 2}), since=5)
    assert fired(decider, an_event({}), 5) == [("sensor", "old")]
    assert fired(decider, an_event({}), 6) == [("sensor", "new")]
    decider.passed(4)
    assert fired(decider, an_event({}), 5) == [("sensor", "old")]
    decider.passed(5)
    assert fired(decider, an_event({}), 5) == []


def test_a_removed_sensor_decides_what_came_before_and_nothing_after() -> None:
    decider = Decider([compiled()])
    decider.remove(ObjectRef("Sensor", "default", "sensor"), until=3)
    assert fired(decider, an_event({}), 3) == [("sensor", "act")]
    assert fired(decider, an_event({}), 4) == []
    decider.remove(ObjectRef("Sensor", "default", "sensor"), until=3)
    assert decider.sensors == {}


def test_applying_the_same_revision_again_changes_nothing() -> None:
    decider = Decider([compiled()])
    decider.apply(compiled(), since=100)
    assert fired(decider, an_event({}), 1) == [("sensor", "act")]


def test_an_edited_sensor_keeps_its_place_in_the_order() -> None:
    decider = Decider([compiled(name="a"), compiled(name="b")])
    decider.apply(compiled(name="a", content={"edited": True}))
    assert fired(decider, an_event({}), 1) == [("a", "act"), ("b", "act")]


def test_a_past_revision_decides_its_stretch_after_a_restart() -> None:
    decider = Decider()
    decider.apply(compiled(triggers=(a_trigger("new"),), content={"v": 2}), since=5)
    decider.apply_ended(compiled(triggers=(a_trigger("old"),), content={"v": 1}), since=2, until=5)
    assert [fired(decider, an_event({}), position) for position in (2, 3, 5, 6)] == [
        [],
        [("sensor", "old")],
        [("sensor", "old")],
        [("sensor", "new")],
    ]


# ---- faults -----------------------------------------------------------------------------------------------------------


class Bomb:
    """A rule that breaks."""

    needs = None

    def holds(self, view: EventView) -> object:
        raise RecursionError("too deep")

    def why(self, view: EventView) -> str:
        raise RecursionError("too deep")


def armed(sensor: CompiledSensor) -> CompiledSensor:
    [dependency] = sensor.dependencies
    fields = {name: getattr(dependency, name) for name in ("ref", "declared", "index", "road", "transform", "triggers")}
    broken = type(dependency)(clause=Bomb(), **fields)
    return CompiledSensor(ref=sensor.ref, revision=sensor.revision, dependencies=(broken,), triggers=sensor.triggers, problems=())


def test_a_rule_that_breaks_is_counted_and_told_and_stops_nobody_else() -> None:
    told: list[DependencyRef] = []
    decider = Decider([armed(compiled(name="bad")), compiled(name="good")], on_error=lambda ref, _: told.append(ref))
    decided = decider.decide(recorded(an_event({})), now_us=AT)
    assert [firing.trigger.sensor for firing in decided.firings] == ["good"]
    assert list(decided.errors) == told == [DependencyRef("default", "bad", "dep")]
    assert [(each.sensor, each.matched, each.reason) for each in decider.explain(recorded(an_event({})))] == [
        ("bad", False, "the rule broke: RecursionError: too deep"),
        ("good", True, ""),
    ]


def test_a_path_that_breaks_the_index_is_asked_dependency_by_dependency(monkeypatch: pytest.MonkeyPatch) -> None:
    decider = Decider([compiled(a_dependency(data=MAIN), name="bad"), compiled(name="good")], on_error=lambda ref, exc: None)

    def broken(self: EventView, path: object) -> object:
        raise RuntimeError("no such luck")

    monkeypatch.setattr(EventView, "look", broken)
    decided = decider.decide(recorded(an_event({"ref": "main"})), now_us=AT)
    assert [firing.trigger.sensor for firing in decided.firings] == ["good"]
    assert [ref.sensor for ref in decided.errors] == ["bad"]


# ---- compiling --------------------------------------------------------------------------------------------------------


def test_a_faulty_dependency_disables_what_needs_it_and_the_rest_runs() -> None:
    bad = a_dependency("bad", data=[{"path": "x", "type": "string", "value": ["("]}])
    sensor = compiled(
        a_dependency("good"),
        bad,
        triggers=(a_trigger("needs-bad", "bad"), a_trigger("either", "bad || good", index=1), a_trigger("fine", "good", index=2)),
    )
    assert list(sensor.triggers) == ["fine"]
    assert fired(Decider([sensor]), an_event({"x": "("})) == [("sensor", "fine")]
    assert [(problem.path, problem.severity) for problem in sensor.problems] == [
        ("spec.dependencies[1].filters.data[0].value[0]", Severity.ERROR),
        ("spec.triggers[0].template.conditions", Severity.ERROR),
        ("spec.triggers[1].template.conditions", Severity.ERROR),
    ]
    assert sensor.problems[1].message == "needs the dependency 'bad', which cannot be used; the trigger 'needs-bad' is disabled"


def test_a_problem_counts_dependencies_as_the_manifest_lists_them() -> None:
    bad = a_dependency("bad", data=[{"path": "x", "type": "string", "value": ["("]}])
    content = {"spec": {"dependencies": [{"name": "left-out"}, {"name": "bad"}]}}
    [problem, _] = compiled(bad, triggers=(a_trigger(),), content=content).problems
    assert problem.path == "spec.dependencies[1].filters.data[0].value[0]"


@pytest.mark.parametrize(
    ("trigger", "path", "match"),
    [
        (a_trigger(conditions="nope"), "spec.triggers[0].template.conditions", "'nope' is not a dependency"),
        (a_trigger(conditions="a && nope"), "spec.triggers[0].template.conditions", "'nope' is not a dependency"),
        (a_trigger(conditions="a & b"), "spec.triggers[0].template.conditions", "write && instead of"),
        (a_trigger(conditions="a", broken=True), "spec.triggers[0]", "record.broken: cannot work"),
    ],
)
def test_a_trigger_that_cannot_run_is_disabled_with_the_reason(trigger, path: str, match: str) -> None:
    sensor = compiled(a_dependency("a"), a_dependency("b"), triggers=(trigger, a_trigger("fine", "a", index=1)))
    assert list(sensor.triggers) == ["fine"]
    [problem] = sensor.problems
    assert problem.path == path
    assert match in problem.message


def test_of_several_dependencies_of_one_name_the_last_counts() -> None:
    sensor = compiled(a_dependency("d", data=MAIN), a_dependency("d", data=DEV), triggers=(a_trigger(conditions="d"),))
    decider = Decider([sensor])
    assert [fired(decider, an_event({"ref": ref})) for ref in ("main", "dev")] == [[], [("sensor", "act")]]
    [problem] = sensor.problems
    assert (problem.path, problem.severity) == ("spec.dependencies[0].name", Severity.WARNING)


# ---- explaining and binding ---------------------------------------------------------------------------------------------


def test_verdicts_name_every_dependency_of_the_road_in_the_order_declared() -> None:
    decider = Decider(
        [
            compiled(
                a_dependency("main", data=MAIN), a_dependency("dev", data=DEV), a_dependency("far", eventName="far"), name="b"
            ),
            compiled(a_dependency("all"), name="a"),
        ]
    )
    verdicts = list(decider.verdicts(recorded(an_event({"ref": "dev"}, id="e-1"))))
    assert [each[1:] for each in verdicts] == [
        ("b", "main", "source", "e-1", False, 'data ref: "dev" matches none of ["^main$"]', 0, 1),
        ("b", "dev", "source", "e-1", True, "", 0, 0),
        ("a", "all", "source", "e-1", True, "", 0, 0),
    ]
    only = decider.explain(recorded(an_event({"ref": "dev"})), ObjectRef("Sensor", "default", "a"))
    assert [each.sensor for each in only] == ["a"]
    assert decider.explain(recorded(an_event({}, source="nobody"))) == []


def test_a_bound_firing_has_its_events_its_clock_and_its_own_seed() -> None:
    decider = Decider([compiled(a_dependency("b"), a_dependency("a"))])
    decided = decider.decide(recorded(an_event({}), 9), now_us=AT)
    [firing] = decided.firings
    bound = bind(firing, {9: decided.view}, {})
    assert sorted(bound.events) == ["a", "b"]
    assert bound.events["a"] is decided.view
    assert bound.now == NOW
    assert bound.seed == bytes.fromhex(firing.id)
    assert bound.firing is firing
    with pytest.raises(KeyError):
        bind(firing, {}, {})


# ---- faults that others had -------------------------------------------------------------------------------------------


def test_two_events_of_the_same_moment_are_two_firings() -> None:
    decider = Decider([compiled(a_dependency("push", data=MAIN))])
    same = {"time": "2024-05-06T07:08:09.123Z"}
    first = decider.decide(recorded(an_event({"ref": "main"}, id="a", **same), 1), now_us=AT).firings
    second = decider.decide(recorded(an_event({"ref": "main"}, id="b", **same), 2), now_us=AT).firings
    assert len({firing.id for firing in (*first, *second)}) == 2


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"ref":' * 5_000 + b"1" + b"}" * 5_000,
        b'{"ref":1e999999}',
        b'{"ref":' + b"9" * 100_000 + b"}",
        b'{"ref":"\\ud800"}',
        b'{"ref":"\xff\xfe"}',
        b'{"ref":NaN}',
        b"\x00",
        b'{"ref":"' + b"x" * 1_000_000 + b'"}',
        b"{" + b",".join(b'"k%d":1' % at for at in range(100_000)) + b"}",
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_hostile_data_is_decided_and_explained_without_harm(raw: bytes) -> None:
    number = [{"path": "ref", "type": "number", "value": ["1"]}]
    sensor = compiled(a_dependency("text", data=MAIN), a_dependency("number", data=number))
    broke: list[Exception] = []
    decider = Decider([sensor], on_error=lambda _, exc: broke.append(exc))
    event = recorded(an_event(raw=raw))
    assert decider.decide(event, now_us=AT).firings == ()
    assert broke == []
    for verdict in decider.explain(event):
        assert not verdict.matched
        assert 0 < len(verdict.reason) < 500
        verdict.reason.encode()
