"""An edit costs what it touched, and leaves what looking at everything would leave."""

import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from cluster.access import Access
from eventbus.retention import Retention
from manifests.objects import ObjectRef
from tocsin.config import RunConfig
from tocsin.declared import Declarations, Reading
from tocsin.faring import Faring
from tocsin.metrics import Metrics
from tocsin.objects import ObjectState, State
from tocsin.runtime import _wired, opened
from tocsin.secrets import LocalValues
from tocsin.service import Service

SOURCE = """apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: clock}
spec: {calendar: {%s: {interval: 1h}}}
"""
SENSOR = """%sapiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: s%s}
spec:
  dependencies: [{name: d, eventSourceName: clock, eventName: tick%s}]
  triggers: [{template: {name: t, log: {}%s}}]
"""
FILTERS = ("", ", filters: {data: [{path: a, type: string, value: ['(']}]}", ", filters: {script: 'return 1 +'}", ", filter: {}")
ENDS = ("", "", ", conditions: d", ", conditions: e", ", lgo: 1")
SENSORS = 12


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with AsyncExitStack() as stack:
        bus = await stack.enter_async_context(opened(tmp_path / "data"))
        config = RunConfig(paths=(tmp_path,), data=tmp_path / "data", cluster=Access("", ""), retention=Retention())
        yield await _wired(stack, bus, config, LocalValues(documents=()))


def a_sensor(dice: random.Random, number: int) -> str:
    comment = "# a line\n" * dice.randrange(3)
    return SENSOR % (comment, number, dice.choice(FILTERS), dice.choice(ENDS))


def told(service: Service) -> tuple[dict[ObjectRef, ObjectState], object, object]:
    return dict(service.supervisor.states), service.metrics.objects, service.metrics.listening


async def test_whatever_is_edited_the_objects_fare_as_where_all_of_them_are_looked_at(tmp_path: Path, service: Service) -> None:
    dice, reading, folder, known = random.Random(5), Reading([tmp_path / "m"]), tmp_path / "m", 0
    folder.mkdir()
    texts = {f"f{file}": [a_sensor(dice, 4 * file + n) for n in range(4)] for file in range(SENSORS // 4)}
    texts["f0"].append(SOURCE % "tick")
    last: Declarations | None = None
    for number in range(60):
        _write(folder, texts)
        declared = reading.read()
        known += declared.touched_since(last) is not None
        await service.supervisor.apply(declared)
        by_what_was_touched = told(service)
        service.supervisor._applied = None
        await service.supervisor.apply(declared)
        assert by_what_was_touched == told(service), f"edit {number}"
        last = service.supervisor._applied
        _edit(texts, dice, number)
    assert known > 20


def _edit(texts: dict[str, list[str]], dice: random.Random, number: int) -> None:
    file = dice.choice(list(texts))
    if number % 9 == 8:
        dice.shuffle(texts[file])
    elif number % 13 == 12:
        texts["f0"] = [SOURCE % dice.choice(("tick", "tock")) if "EventSource" in text else text for text in texts["f0"]]
    elif number % 17 == 16:
        texts[file].append(a_sensor(dice, 100 + number))
    else:
        at = dice.randrange(len(texts[file]))
        name = texts[file][at].split("{name: s")
        if len(name) > 1:
            texts[file][at] = a_sensor(dice, int(name[1].split("}")[0]))


def _write(folder: Path, texts: dict[str, list[str]]) -> None:
    for name, documents in texts.items():
        (folder / f"{name}.yaml").write_text("---\n".join(documents))


async def test_an_edit_of_one_sensor_has_no_other_sensor_looked_at(
    tmp_path: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, dice, looked_at = tmp_path / "m", random.Random(1), list[ObjectRef]()
    folder.mkdir()
    documents = [SOURCE % "tick", *(SENSOR % ("", number, "", "") for number in range(50))]
    _write(folder, {"all": documents})
    reading = Reading([folder])
    await service.supervisor.apply(reading.read())
    documents[20] = a_sensor(dice, 19)
    _write(folder, {"all": documents})
    declared = reading.read()
    monkeypatch.setattr(
        ObjectState,
        "unchanged",
        lambda state, said, *, kept, known=ObjectState.unchanged: (looked_at.append(state.ref), known(state, said, kept=kept))[1],
    )
    applied = await service.supervisor.apply(declared)
    assert [ref.name for ref in applied.changed] == ["s19"]
    assert len(looked_at) < 5
    assert (len(service.supervisor.states), applied.unchanged) == (51, 50)


def test_what_fares_otherwise_is_counted_as_it_changes() -> None:
    metrics, refs = Metrics(), [ObjectRef("Sensor", "default", f"s{n}") for n in range(3)]
    faring = Faring(metrics)
    faring.replace({ref: ObjectState(ref=ref, state=State.RUNNING) for ref in refs})
    assert faring.tell({}) == 0
    faring.update({refs[1]: ObjectState(ref=refs[1], state=State.STOPPED)})
    assert faring.tell({}) == 1
    assert metrics.objects["Sensor", "running"] == 2
    faring.update({refs[1]: ObjectState(ref=refs[1], state=State.RUNNING)})
    assert (faring.tell({}), metrics.objects["Sensor", "stopped"]) == (0, 0)
