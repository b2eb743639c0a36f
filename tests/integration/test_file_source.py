"""The `file` source on real folders."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import ValidationError

from eventbus.contract import Appended
from eventbus.event import Event, Road
from manifests.objects import Dialect
from manifests.secrets import SecretMissing, SecretValue
from sources.file import File, FileSpec
from sources.folder import Op, changes, look
from sources.source import SourceContext


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
async def watching(given: dict[str, Any]) -> AsyncIterator[Log]:
    """A source that runs; its first look is over."""
    context = SourceContext(road=Road("default", "s", "e"), dialect=Dialect.ARGO, values=NoValues())
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
