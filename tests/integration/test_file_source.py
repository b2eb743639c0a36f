"""The `file` source on real folders."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from eventbus.contract import Appended
from eventbus.errors import BusUnavailable
from eventbus.event import Event, Road
from manifests.objects import Dialect
from manifests.secrets import SecretMissing, SecretValue
from sources.file import File, FileSpec
from sources.folder import Op, Seen, changes, look
from sources.folder_memory import SMALL, FolderMemory
from sources.source import SourceContext
from sources.state import MemoryStore, SourceState


class NoValues:
    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        raise SecretMissing(name)

    def config(self, namespace: str, name: str, key: str) -> str:
        raise SecretMissing(name)


class Log:
    def __init__(self) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue(10_000)

    async def __call__(self, event: Event) -> Appended:
        self.events.put_nowait(event)
        return None  # type: ignore[return-value]

    async def next(self) -> Any:
        async with asyncio.timeout(20):
            return msgspec.json.decode((await self.events.get()).data or b"")


def spec(folder: Path, event_type: str, polling: bool = False, **where: str) -> dict[str, Any]:
    place = {"directory": str(folder)} | (where or {"pathRegexp": r"\.txt$"})
    return {"eventType": event_type, "polling": polling, "watchPathConfig": place}


@asynccontextmanager
async def watching(
    given: dict[str, Any], store: MemoryStore | None = None, tell: Callable[[str], None] = lambda reason: None
) -> AsyncIterator[Log]:
    """A source that runs; its first look is over. With the same store it is the same source, started again."""
    road = Road("default", "s", "e")
    state = SourceState.of(road, store or MemoryStore())
    context = SourceContext(road=road, dialect=Dialect.ARGO, values=NoValues(), state=state, tell=tell)
    log = Log()
    source = File(FileSpec.model_validate(given), context)
    looked = asyncio.Event()
    stirred = source._stirred

    async def noted() -> AsyncIterator[None]:
        looked.set()
        async for _ in stirred():
            yield

    source._stirred = noted  # type: ignore[method-assign]
    task = asyncio.create_task(source.run(log))
    await looked.wait()
    try:
        yield log
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest.mark.parametrize("polling", [False, True])
async def test_a_new_file_is_an_event(tmp_path: Path, polling: bool) -> None:
    (tmp_path / "old.txt").write_text("there before")
    async with watching(spec(tmp_path, "CREATE", polling)) as log:
        (tmp_path / "other.csv").write_text("1")
        (tmp_path / "new.txt").write_text("1")
        name = "new.txt" if polling else str(tmp_path / "new.txt")
        assert await log.next() == {"name": name, "op": 1, "metadata": None}


async def test_every_file_of_a_burst_is_an_event(tmp_path: Path) -> None:
    async with watching(spec(tmp_path, "CREATE")) as log:
        for number in range(500):
            (tmp_path / f"{number}.txt").touch()
        assert {(await log.next())["name"] for _ in range(500)} == {str(tmp_path / f"{number}.txt") for number in range(500)}


async def test_a_folder_may_appear_later_and_be_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    async with watching(spec(folder, "CREATE")) as log:
        folder.mkdir()
        (folder / "a.txt").touch()
        assert (await log.next())["name"].endswith("a.txt")
        folder.rename(tmp_path / "gone")
        folder.mkdir()
        (folder / "b.txt").touch()
        assert (await log.next())["name"].endswith("b.txt")


@pytest.mark.parametrize("polling", [False, True])
async def test_a_folder_that_is_not_there_is_said_until_it_is(tmp_path: Path, polling: bool) -> None:
    folder, told = tmp_path / "later", asyncio.Queue[str]()
    async with watching(spec(folder, "CREATE", polling), tell=told.put_nowait) as log, asyncio.timeout(20):
        assert await told.get() == f"the folder {folder} is not there; it is waited for"
        folder.mkdir()
        assert await told.get() == ""
        (folder / "a.txt").touch()
        await log.next()
        (folder / "a.txt").unlink()
        folder.rmdir()
        assert "is not there" in await told.get()
    assert told.empty()


async def names(log: Log) -> list[str]:
    """The files of the events that came so far."""
    found = []
    while not log.events.empty():
        found.append(Path((await log.next())["name"]).name)
    return found


async def test_what_happens_while_nobody_looks_is_told_once_afterwards(tmp_path: Path) -> None:
    store, created = MemoryStore(), spec(tmp_path, "CREATE", polling=True)
    (tmp_path / "old.txt").write_text("1")
    async with watching(created, store) as log:
        assert await names(log) == []
        (tmp_path / "seen.txt").write_text("1")
        assert (await log.next())["name"] == "seen.txt"
    (tmp_path / "meanwhile.txt").write_text("1")
    (tmp_path / "other.csv").write_text("1")
    async with watching(created, store) as log:
        assert await names(log) == ["meanwhile.txt"]
    async with watching(created, store) as log:
        assert await names(log) == []


@pytest.mark.parametrize(
    ("event_type", "expected"),
    [("WRITE", ["a.txt", "new.txt"]), ("REMOVE", ["gone.txt"]), ("RENAME", ["from.txt"]), ("CHMOD", ["mode.txt"])],
)
async def test_every_kind_of_change_is_told_afterwards(tmp_path: Path, event_type: str, expected: list[str]) -> None:
    store = MemoryStore()
    for name in ("a.txt", "gone.txt", "from.txt", "mode.txt", "same.txt"):
        (tmp_path / name).write_text("1")
    async with watching(spec(tmp_path, event_type, polling=True), store):
        pass
    (tmp_path / "a.txt").write_text("22")
    (tmp_path / "gone.txt").unlink()
    (tmp_path / "from.txt").rename(tmp_path / "to.txt")
    (tmp_path / "mode.txt").chmod(0o600)
    (tmp_path / "new.txt").write_text("1")
    async with watching(spec(tmp_path, event_type, polling=True), store) as log:
        assert sorted(await names(log)) == expected


async def test_a_folder_that_is_not_there_at_a_restart_is_known_again_when_it_is_back(tmp_path: Path) -> None:
    store, folder, away = MemoryStore(), tmp_path / "mount", tmp_path / "disk"
    folder.mkdir()
    (folder / "known.txt").write_text("1")
    created = spec(folder, "CREATE", polling=True)
    async with watching(created, store):
        pass
    folder.rename(away)
    (away / "meanwhile.txt").write_text("1")
    folder.mkdir()
    async with watching(created, store) as log:
        assert await names(log) == []
        folder.rmdir()
        away.rename(folder)
        assert (await log.next())["name"] == "meanwhile.txt"
        (folder / "later.txt").touch()
        assert (await log.next())["name"] == "later.txt"


async def test_another_folder_starts_anew_and_so_does_a_source_that_was_withdrawn(tmp_path: Path) -> None:
    store, one, two = MemoryStore(), tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
    async with watching(spec(one, "CREATE", polling=True), store):
        pass
    (two / "a.txt").touch()
    async with watching(spec(two, "CREATE", polling=True), store) as log:
        assert await names(log) == []
    road = Road("default", "s", "e")
    context = SourceContext(road=road, dialect=Dialect.ARGO, values=NoValues(), state=SourceState.of(road, store))
    await File(FileSpec.model_validate(spec(two, "CREATE")), context).withdrawn([])
    (two / "b.txt").touch()
    async with watching(spec(two, "CREATE", polling=True), store) as log:
        assert await names(log) == []


async def test_files_that_are_numbered_anew_are_the_same_files(tmp_path: Path) -> None:
    files = {"a": Seen(1, 5, 10, 10, (0o100644, 0, 0)), "b": Seen(2, 5, 10, 10, (0o100644, 0, 0))}
    state = SourceState.of(Road("default", "s", "e"), MemoryStore())
    await FolderMemory(tmp_path, state, Road("default", "s", "e")).note(7, files)
    memory = FolderMemory(tmp_path, state, Road("default", "s", "e"))
    assert await memory.recall()
    now = {"a": Seen(11, 5, 10, 20, (0o100644, 0, 0)), "b": Seen(12, 6, 30, 30, (0o100644, 0, 0))}
    assert memory.before(8, now) is None
    before = memory.before(7, now)
    assert before is not None
    assert [(change.op, change.name) for change in changes(before, now)] == [(Op.WRITE, "b")]
    assert memory.before(7, now) is None, "once"


async def test_a_large_folder_is_noted_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    many = {f"{number}\udcff": Seen(number, 1, 1, 1, (1, 1, 1)) for number in range(SMALL + 1)}
    store = MemoryStore()
    state = SourceState.of(Road("default", "s", "e"), store)
    memory = FolderMemory(tmp_path, state, Road("default", "s", "e"))
    await memory.note(7, {})
    before = await state.get("folder")
    await memory.note(7, many)
    assert await state.get("folder") == before
    await memory.flush()
    again = FolderMemory(tmp_path, state, Road("default", "s", "e"))
    assert await again.recall()
    assert again.before(7, many) == many


async def test_a_record_that_cannot_be_read_or_written_stops_nothing(tmp_path: Path) -> None:
    store = MemoryStore()
    state = SourceState.of(Road("default", "s", "e"), store)
    await state.put("folder", b"\xc1")
    memory = FolderMemory(tmp_path, state, Road("default", "s", "e"))
    assert not await memory.recall()

    async def refuse(*_: object, **__: object) -> bool:
        raise BusUnavailable("the disk is full")

    put, store.put = store.put, refuse  # type: ignore[method-assign]
    await memory.note(7, {})
    store.put = put  # type: ignore[method-assign]
    assert await state.get("folder") == b"\xc1"
    await memory.flush()
    assert await memory.recall()


@pytest.mark.parametrize("seen", [True, False])
def test_a_file_that_takes_the_place_of_another_is_new_and_written(tmp_path: Path, seen: bool) -> None:
    tmp_path.joinpath("settings").write_text("1")
    before = look(tmp_path)
    tmp_path.joinpath(".settings.tmp").write_text("2")
    if seen:
        before = look(tmp_path)
    tmp_path.joinpath(".settings.tmp").replace(tmp_path / "settings")
    happened = [(change.op, change.name) for change in changes(before, look(tmp_path))]
    gone = [(Op.RENAME, ".settings.tmp")] if seen else []
    assert happened == [*gone, (Op.CREATE, "settings"), (Op.WRITE, "settings")]


@pytest.mark.parametrize(
    ("directory", "pattern", "counts"),
    [
        ("", r"^/x\.", True),
        ("", r"^x\.", True),
        ("/", r"^/x\.", False),
        ("/", r"^x\.", True),
        ("/../in", r"^x\.", True),
        ("//", r"^x\.", True),
    ],
)
def test_a_pattern_may_see_a_slash_before_the_name_where_the_directory_has_none(
    tmp_path: Path, directory: str, pattern: str, counts: bool
) -> None:
    road = Road("default", "s", "e")
    context = SourceContext(road=road, dialect=Dialect.ARGO, values=NoValues())
    folder = tmp_path / "in"
    folder.mkdir()
    where = {"directory": f"/{folder}{directory}", "pathRegexp": pattern}
    source = File(FileSpec.model_validate({"eventType": "CREATE", "watchPathConfig": where}), context)
    folder.joinpath("x.txt").touch()
    (change,) = changes({}, look(folder))
    assert source._counts(change) is counts
    assert msgspec.json.decode(source._event(change).data or b"")["name"] == str(folder / "x.txt")


def test_what_happened_is_told_from_two_looks(tmp_path: Path) -> None:
    def seen(act: Any) -> list[tuple[Op, str]]:
        before = look(tmp_path)
        act()
        return [(change.op, change.name) for change in changes(before, look(tmp_path))]

    file, long = tmp_path / "a.txt", "n" * 255
    assert seen(file.touch) == [(Op.CREATE, "a.txt")]
    assert seen(lambda: file.write_text("1")) == [(Op.WRITE, "a.txt")]
    assert seen(lambda: file.chmod(0o600)) == [(Op.CHMOD, "a.txt")]
    assert seen(lambda: file.rename(tmp_path / long)) == [(Op.RENAME, "a.txt"), (Op.CREATE, long)]
    assert seen(lambda: (tmp_path / "link").symlink_to("nowhere")) == [(Op.CREATE, "link"), (Op.WRITE, "link")]
    assert seen((tmp_path / long).unlink) == [(Op.REMOVE, long)]
    assert look(tmp_path / "missing") == {}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ({"directory": "data", "path": "a"}, "absolute folder"),
        ({"directory": "/data"}, "either path or pathRegexp"),
        ({"directory": "/data", "path": "a", "pathRegexp": "b"}, "either path or pathRegexp"),
        ({"directory": "/data", "path": "/data/a"}, "not an absolute path"),
        ({"directory": "/data", "pathRegexp": "("}, "not a pattern"),
    ],
)
def test_what_is_wrong_is_said(where: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FileSpec.model_validate({"eventType": "CREATE", "watchPathConfig": where})
