"""The index finds every dependency that matches, and few that do not."""

import string

import pytest
from deciding_helpers import KINDS, NO_DATA, NoValues, a_dependency, a_sensor, a_trigger, an_event, recorded
from hypothesis import given, settings
from hypothesis import strategies as st

from eventbus.event import Road
from sensors.bound import EventView
from sensors.compile import compile_sensor
from sensors.decide import Decider
from sensors.filters.combine import compile_filters
from sensors.filters.held import Clause, Held
from sensors.index import Index, RoadIndex
from sensors.literals import FRESH, Literals

ROAD = Road("default", "source", "name")


class Entry:
    """A dependency as it stands in the index."""

    def __init__(self, clause: Clause, name: str = "", road: Road = ROAD) -> None:
        self.clause = clause
        self.name = name
        self.road = road
        self.needs = clause.needs

    def __repr__(self) -> str:
        return f"Entry({self.name})"


def entry_on(path: str, kind: str, *values: str, **fields) -> Entry:
    return Entry(compile_filters(a_dependency(data=[{"path": path, "type": kind, "value": list(values)}], **fields)))


@pytest.mark.parametrize("fillers", [0, FRESH - 2, FRESH + 5, 500])
def test_every_contained_literal_is_reported_those_inside_others_too(fillers: int) -> None:
    literals: Literals[str] = Literals()
    for number in range(fillers):
        literals.add(f"filler-{number}-", str(number))
    for literal in ("feature-1", "feature-12", "ature", "e"):
        literals.add(literal, literal)
    found = {entry for bucket in literals.find("refs/feature-12") for entry in bucket}
    assert found == {"feature-1", "feature-12", "ature", "e"}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_literals_agree_with_looking_for_each_one_by_one(data: st.DataObject) -> None:
    words = st.text(alphabet="ab-é", min_size=1, max_size=5)
    literals: Literals[int] = Literals()
    plain: set[tuple[str, int]] = set()
    for step in range(data.draw(st.integers(1, 60))):
        if plain and data.draw(st.integers(0, 2)) == 0:
            word, entry = data.draw(st.sampled_from(sorted(plain)))
            literals.discard(word, entry)
            plain.discard((word, entry))
        else:
            word = data.draw(words)
            literals.add(word, step % 7)
            plain.add((word, step % 7))
        if data.draw(st.booleans()):
            text = data.draw(st.text(alphabet="ab-é", max_size=12))
            found = {entry for bucket in literals.find(text) for entry in bucket}
            assert found == {entry for word, entry in plain if word in text}
    assert bool(literals) == bool(plain)


def test_one_match_among_many_has_one_candidate() -> None:
    index: RoadIndex[Entry] = RoadIndex()
    for number in range(2000):
        index.add(entry_on("body.ref", "string", f"refs/heads/feature-{number:05d}"))
    view = EventView(an_event({"body": {"ref": "refs/heads/feature-00077"}}))
    assert len(list(index.candidates(view))) == 1


@pytest.mark.parametrize(
    ("kind", "values", "data"),
    [
        ("number", ["7"], {"x": 7}),
        ("number", ["1", "7e0"], {"x": "7"}),
        ("bool", ["true"], {"x": "TRUE"}),
        ("string", ["^main$"], {"x": "main"}),
        ("string", ["[0-9]+-main-.*x"], {"x": "12-main-yx"}),
    ],
)
def test_values_of_every_type_are_narrowed(kind: str, values: list[str], data: dict) -> None:
    index: RoadIndex[Entry] = RoadIndex()
    wanted = entry_on("x", kind, *values)
    assert wanted.needs is not None
    index.add(wanted)
    assert list(index.candidates(EventView(an_event(data)))) == [wanted]
    assert list(index.candidates(EventView(an_event({"x": "other"})))) == []
    assert list(index.candidates(EventView(an_event({})))) == []


@pytest.mark.parametrize(
    "dependency",
    [
        a_dependency(),
        a_dependency(data=[{"path": "x", "type": "string", "value": ["a|b"]}]),
        a_dependency(data=[{"path": "x", "type": "string", "value": ["a", ".*"]}]),
        a_dependency(data=[{"path": "x", "type": "string", "value": ["a"], "comparator": "!="}]),
        a_dependency(data=[{"path": "x", "type": "number", "value": ["1"], "comparator": ">"}]),
        a_dependency(data=[{"path": "x.#.y", "type": "string", "value": ["a"]}]),
        a_dependency(data=[{"path": "x", "type": "string", "value": ["a"], "template": "{{ .Input }}"}]),
    ],
)
def test_what_cannot_be_narrowed_is_always_a_candidate(dependency) -> None:
    index: RoadIndex[Entry] = RoadIndex()
    entry = Entry(compile_filters(dependency))
    index.add(entry)
    assert list(index.candidates(EventView(an_event({"other": 1})))) == [entry]


def test_an_event_without_data_has_every_dependency_as_candidate() -> None:
    index: RoadIndex[Entry] = RoadIndex()
    entries = [entry_on("x", "string", f"literal-{number}") for number in range(5)]
    for entry in entries:
        index.add(entry)
    assert list(index.candidates(EventView(an_event(raw=NO_DATA)))) == entries


def test_what_was_removed_is_found_no_more_and_leaves_nothing() -> None:
    index: Index[Entry] = Index()
    entries = [entry_on("x", "string", f"literal-{number}") for number in range(100)]
    entries += [entry_on("x", "number", "1"), entry_on("x", "bool", "true"), Entry(compile_filters(a_dependency()))]
    entries.append(Entry(compile_filters(a_dependency(filters={"context": {"type": "webhook"}}))))
    for entry in entries:
        index.add(entry)
        index.add(entry)
    assert len(index) == len(entries)
    for entry in entries:
        index.discard(entry)
        index.discard(entry)
    assert len(index) == 0
    assert index.road(Road("default", "source", "name")) is None


# ---- index and verify ≡ brute force -------------------------------------------------------------------------------------

_paths = st.sampled_from(["a", "b.c", "b", "list.0", "list.#", "missing"])
_texts = st.sampled_from(["x", "xy", "feature-1", "feature-12", "true", "1", "1.0", "", "5", "é"])
_patterns = st.sampled_from(["x", "xy", "^x$", "feature-1", "feature-1$", "x|y", "tr?ue", "[0-9]+", "(?i)X", "é", "e{2}"])


@st.composite
def _clauses(draw: st.DrawFn) -> dict:
    kind = draw(st.sampled_from(["string", "string", "number", "bool", "json"]))
    values = {
        "string": _patterns,
        "number": st.sampled_from(["1", "5", "1e0", "0", "x", "NaN", "-0"]),
        "bool": st.sampled_from(["true", "false", "1", "nope"]),
        "json": st.just("x"),
    }[kind]
    return {
        "path": draw(_paths),
        "type": kind,
        "value": draw(st.lists(values, min_size=1, max_size=3)),
        "comparator": draw(st.sampled_from(["", "", "", "=", "!=", ">="])),
        "template": draw(st.sampled_from(["", "", "", "", "{{ .Input }}"])),
    }


@st.composite
def _dependencies(draw: st.DrawFn, name: str) -> object:
    filters: dict = {}
    if draw(st.integers(0, 5)):
        filters["data"] = draw(st.lists(_clauses(), min_size=1, max_size=3))
        filters["dataLogicalOperator"] = draw(st.sampled_from(["", "and", "or"]))
    if draw(st.integers(0, 3)) == 0:
        filters["context"] = {"type": draw(st.sampled_from(["webhook", "other"]))}
        if draw(st.booleans()):
            filters["context"]["datacontenttype"] = draw(st.sampled_from(["application/json", "text/plain"]))
    operator = draw(st.sampled_from(["", "and", "or"]))
    return a_dependency(
        name,
        filters=filters if draw(st.integers(0, 9)) else None,
        filtersLogicalOperator=operator,
        eventName=draw(st.sampled_from(["name", "name", "name", "elsewhere"])),
    )


_values = st.one_of(_texts, st.sampled_from([0, 1, 5, 1.0, True, False, None, {"c": "x"}, ["x"], {"c": 5}]))
_data = st.one_of(
    st.fixed_dictionaries({}, optional={"a": _values, "b": _values, "list": st.lists(_values, max_size=2)}),
    st.sampled_from([[], None, "x", 5]),
)
_events = st.builds(
    lambda data, raw, kind, content: an_event(data, raw=raw, type=kind, datacontenttype=content),
    _data,
    st.sampled_from([None] * 8 + [NO_DATA] + [b"", b"{", b'{"a":"x","a":"1"}', b'{"a":1.0}']),
    st.sampled_from(["webhook", "other"]),
    st.sampled_from(["application/json", "text/plain", None]),
)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_index_and_verification_agree_with_asking_every_dependency(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 8))
    dependencies = [data.draw(_dependencies(f"d{number}")) for number in range(count)]
    index: Index[Entry] = Index()
    entries = [
        Entry(compile_filters(each), each.name, Road("default", each.event_source_name, each.event_name)) for each in dependencies
    ]
    for entry in entries:
        index.add(entry)
    for entry in data.draw(st.lists(st.sampled_from(entries), max_size=2, unique=True)):
        index.discard(entry)
        entries.remove(entry)
    for event in data.draw(st.lists(_events, min_size=1, max_size=4)):
        by_hand = {entry for entry in entries if entry.road == event.road and entry.clause.holds(EventView(event)) is Held.YES}
        view = EventView(event)
        road = index.road(event.road)
        candidates = road.candidates(view) if road is not None else ()
        assert {entry for entry in candidates if entry.clause.holds(view) is Held.YES} == by_hand
        for entry in entries:
            if entry not in by_hand and entry.road == event.road:
                assert entry.clause.why(EventView(event))


def test_a_thousand_sensors_with_one_literal_and_one_road_all_fire() -> None:
    sensors = [
        compile_sensor(
            a_sensor(a_dependency(data=[{"path": "x", "type": "string", "value": ["shared"]}]), name=f"s{number:04d}"),
            KINDS,
            NoValues(),
        )
        for number in range(1000)
    ]
    decided = Decider(sensors).decide(recorded(an_event({"x": "it is shared"})), now_us=1)
    assert [firing.trigger.sensor for firing in decided.firings] == [f"s{number:04d}" for number in range(1000)]


def test_forty_nine_dependencies_on_one_event_match_each_its_own() -> None:
    names = [f"{letter}{digit}" for letter in string.ascii_lowercase for digit in range(10)][:49]
    dependencies = [a_dependency(name, data=[{"path": "x", "type": "string", "value": [f"^{name}$"]}]) for name in names]
    triggers = tuple(a_trigger(name, name, index=at) for at, name in enumerate(names))
    decider = Decider([compile_sensor(a_sensor(*dependencies, triggers=triggers), KINDS, NoValues())])
    for name in names:
        decided = decider.decide(recorded(an_event({"x": name})), now_us=1)
        assert [firing.trigger.trigger for firing in decided.firings] == [name]
