"""Loading again: what did not change is not read again, and the result is that of reading everything."""

import io
import os
import random
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from manifests import reading
from manifests.load import Loaded, Loader, load
from manifests.loading import Loading
from manifests.objects import ObjectRef
from tocsin.declared import kinds

SOURCE = """apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {name: %s}
spec: {webhook: {%s: {endpoint: /x, port: "12000", method: POST}}}
"""
SENSOR = """# %s
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {name: %s}
spec:
  dependencies: [{name: d, eventSourceName: hooks, eventName: %s}]
  triggers: [{template: {name: t, log: {}%s}}]
"""
LIST = """apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: %s}, data: {a: b}}
  - {apiVersion: v1, kind: Secret, metadata: {name: %s}, dat: {a: b}}
"""
PLACES = ("", "metadata.name", "spec.triggers[0].template", "spec.dependencies[0].eventName", "nowhere")


def look(loaded: Loaded) -> dict[str, Any]:
    """Everything that a load says."""
    objects = {**loaded.event_sources, **loaded.sensors, **loaded.buses, **loaded.secrets, **loaded.config_maps}
    return {
        "objects": objects,
        "order": list(loaded.sensors),
        "problems": [(str(problem), problem.ref) for problem in loaded.problems],
        "failed": loaded.failed,
        "files": loaded.files,
        "places": dict(loaded.places),
        "located": {(ref, path): loaded.locate(ref, path) for ref in loaded.places for path in PLACES},
    }


def untouched(loaded: Loaded, changed: Collection[ObjectRef]) -> dict[str, Any]:
    """What is said of the objects that did not change: they are the same ones, at the same places."""
    objects = {**loaded.event_sources, **loaded.sensors, **loaded.buses, **loaded.secrets, **loaded.config_maps}
    return {
        "objects": {ref: id(obj) for ref, obj in objects.items() if ref not in changed},
        "all": list(objects),
        "failed": loaded.failed,
        "places": {ref: place for ref, place in loaded.places.items() if ref not in changed},
    }


def document(dice: random.Random) -> str:
    """Something that a file may hold; much of it is wrong, doubled, or refers to what is not there."""
    name, event = f"n{dice.randrange(6)}", dice.choice(("push", "pull"))
    return dice.choice(
        (
            SOURCE % (dice.choice(("hooks", name)), event),
            SENSOR % (dice.random(), name, event, dice.choice(("", ", conditions: d", ", conditions: e", ", lgo: 1"))),
            SENSOR % ("same", name, event, ""),
            LIST % (name, name),
            f"kind: Sensor\nmetadata: {{name: {name}}}\n  broken: [\n",
            "just: words\n",
            "# nothing\n" * dice.randrange(4),
            f'{{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {{"name": "{name}"}}, "data": {{"x": 1}}}}',
        )
    )


def edit(folder: Path, texts: dict[str, list[str]], dice: random.Random) -> None:
    """Change one file somehow."""
    name = dice.choice(list(texts) or ["new.yaml"])
    act = dice.randrange(8)
    documents = texts.get(name, [])
    if act == 0 or not documents:
        texts[f"f{dice.randrange(5)}.yaml"] = [document(dice) for _ in range(dice.randrange(1, 5))]
    elif act == 1 and len(texts) > 1:
        del texts[name]
    elif act == 2:
        documents.insert(dice.randrange(len(documents) + 1), document(dice))
    elif act == 3:
        del documents[dice.randrange(len(documents))]
    elif act == 4:
        dice.shuffle(documents)
    elif act == 5:  # away, and back later just as it was
        (folder / name).rename(folder / f"{name}.away") if (folder / name).exists() else None
        return
    elif act == 6:
        for path in folder.glob("*.away"):
            path.rename(path.with_suffix(""))
        return
    else:
        documents[dice.randrange(len(documents))] = document(dice)
    for path in folder.glob("*.yaml"):
        if path.name not in texts:
            path.unlink()
    for file, content in texts.items():
        data = "---\n".join(content).encode()
        path = folder / file
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
            os.utime(path, (0, dice.random() * 1e9))


@pytest.mark.parametrize("strict", [False, True])
def test_whatever_is_edited_loading_again_says_what_reading_everything_says(
    tmp_path: Path, strict: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("manifests.stamps.RACY_NS", -(10**18))  # every look is trusted
    dice, texts = random.Random(7), {"f0.yaml": [SOURCE % ("hooks", "push")]}
    loader = Loader([tmp_path], kinds(), strict=strict)
    (tmp_path / "f0.yaml").write_text(texts["f0.yaml"][0])
    before, known = loader.load(), 0
    for number in range(150):
        edit(tmp_path, texts, dice)
        found = loader.load()
        assert look(found) == look(load([tmp_path], kinds(), strict=strict)), f"edit {number}"
        if found.changed is not None:
            known += 1
            assert untouched(before, found.changed) == untouched(found, found.changed), f"edit {number}"
        before = found
    assert known > 10


@pytest.mark.parametrize("strict", [False, True])
def test_an_edit_in_place_is_taken_in_by_itself(tmp_path: Path, strict: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("manifests.stamps.RACY_NS", -(10**18))
    dice, loader, alone = random.Random(3), Loader([tmp_path], kinds(), strict=strict), 0
    taken: list[Loading] = []
    monkeypatch.setattr(Loading, "take_all", lambda one, known=Loading.take_all: (taken.append(one), known(one)))
    texts = {f"f{file}": [SENSOR % ("x", f"s{file}-{n}", "push", "") for n in range(4)] for file in range(3)}
    texts["f1"].append(SOURCE % ("hooks", "push"))
    for number in range(40):
        file, place, end = (
            f"f{dice.randrange(3)}",
            dice.randrange(4),
            dice.choice(("", ", lgo: 1", ", conditions: e", ", conditions: d")),
        )
        texts[file][place] = SENSOR % ("# x\n" * dice.randrange(3), f"s{file[1]}-{place}", dice.choice(("push", "pull")), end)
        if number % 10 == 9:
            texts["f1"][4] = SOURCE % ("hooks", dice.choice(("push", "pull")))
        for name, documents in texts.items():
            (tmp_path / f"{name}.yaml").write_text("---\n".join(documents))
            os.utime(tmp_path / f"{name}.yaml", (0, number + 1))
        whole = len(taken)
        found = look(loader.load())
        alone += len(taken) == whole
        assert found == look(load([tmp_path], kinds(), strict=strict)), f"edit {number}"
    assert alone > 15


def test_only_the_documents_that_changed_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    monkeypatch.setattr(reading, "read_piece", lambda file, piece, known=reading.read_piece: _noting(read, known, file, piece))
    many = [SENSOR % (number, f"s{number}", "push", "") for number in range(40)]
    (tmp_path / "many.yaml").write_text("---\n".join(many))
    (tmp_path / "one.yaml").write_text(SOURCE % ("hooks", "push"))
    loader = Loader([tmp_path], kinds())
    first = loader.load()
    assert (len(read), len(first.sensors), first.problems) == (41, 40, ())
    many[20] = "# three\n# more\n# lines\n" + SENSOR % ("edited", "s20", "push", ", conditions: e")
    (tmp_path / "many.yaml").write_text("---\n".join(many))
    read.clear()
    second = loader.load()
    assert len(read) == 1
    assert [ref.name for ref, sensor in first.sensors.items() if second.sensors[ref] is not sensor] == ["s20"]
    (problem,) = second.problems
    assert problem.line == 1 + 20 * 8 + 3 + 6
    assert (
        second.places[ObjectRef("Sensor", "default", "s39")].line == first.places[ObjectRef("Sensor", "default", "s39")].line + 3
    )


def _noting(read: list[str], known: Any, file: str, piece: Any) -> Any:
    read.append(piece.text)
    return known(file, piece)


def test_a_file_that_changed_within_one_tick_of_the_clock_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(SENSOR % ("x", "one", "push", ""))
    loader = Loader([tmp_path], kinds())
    assert [ref.name for ref in loader.load().sensors] == ["one"]
    look = path.stat()
    path.write_text(SENSOR % ("x", "two", "push", ""))
    os.utime(path, ns=(look.st_atime_ns, look.st_mtime_ns))
    assert [ref.name for ref in loader.load().sensors] == ["two"]


def test_a_file_that_did_not_change_is_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(SENSOR % ("x", "one", "push", ""))
    monkeypatch.setattr("manifests.stamps.RACY_NS", -(10**18))
    loader = Loader([tmp_path], kinds())
    (first,) = loader.load().sensors.values()
    monkeypatch.setattr("manifests.reading.read_chunks", _refuse)
    (second,) = loader.load().sensors.values()
    assert first is second


def test_a_file_that_was_away_is_read_again_when_it_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, away = tmp_path / "a.yaml", tmp_path / "a.away"
    path.write_text(SENSOR % ("x", "one", "push", ""))
    monkeypatch.setattr("manifests.stamps.RACY_NS", -(10**18))
    loader = Loader([tmp_path], kinds())
    assert len(loader.load().sensors) == 1
    path.rename(away)
    assert len(loader.load().sensors) == 0
    away.rename(path)
    assert len(loader.load().sensors) == 1


def _refuse(*_: object) -> None:
    raise AssertionError("nothing needs to be read")


def test_what_came_on_standard_input_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    text = SENSOR % ("x", "one", "push", "")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    loader = Loader(["-"], kinds())
    assert [[ref.name for ref in loader.load().sensors] for _ in range(2)] == [["one"], ["one"]]
