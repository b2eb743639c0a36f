"""The `file` source: an event when a file in a folder is created, written, removed, renamed or changes its mode.

The kernel only says that something happened; what happened is told by looking again. So a queue of the kernel that
overflows, a folder that is not there yet and what happens before the watch stands cost time, not events.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing
from hashlib import blake2b
from importlib.util import find_spec
from os import fsencode
from os.path import normpath
from pathlib import Path
from typing import Annotated, Any, Self

import msgspec
import re2
import structlog
from pydantic import AfterValidator, Field, model_validator

from eventbus.event import Event
from manifests.fields import Spec
from sources.folder import Change, Op, Seen, changes, look_at
from sources.folder_memory import Files, FolderMemory
from sources.handing_over import hand_over
from sources.http.endpoint import SourceFilter
from sources.http.payload import now
from sources.marshalled import readable
from sources.source import Emit, Source, SourceContext, SourceRefused, sources

logger = structlog.get_logger()

POLL_S = 0.1
"""Between two looks with `polling`, as upstream."""
LOOK_AGAIN_MS = 2000
"""Between two looks when the kernel says nothing: links that lead elsewhere, and what came before the watch stood."""
_FLUSH_S = 2.0
"""Seconds in which the last look is kept when the source ends."""


def _check_pattern(text: str) -> str:
    try:
        re2.compile(text, _quiet())
    except re2.error as exc:
        reason = exc.args[0] if exc.args else exc
        raise ValueError(f"not a pattern: {reason.decode() if isinstance(reason, bytes) else reason}") from None
    return text


def _quiet() -> object:
    options = re2.Options()
    options.log_errors = False
    return options


def _check_folder(text: str) -> str:
    if not text.startswith("/"):
        raise ValueError("expected an absolute folder, such as /data/incoming")
    return text


def _check_name(text: str) -> str:
    if text.startswith("/"):
        raise ValueError("expected a name inside the directory, not an absolute path")
    return text


class WatchPath(Spec):
    """What to watch."""

    directory: Annotated[str, AfterValidator(_check_folder)] = Field(default="", validate_default=True)
    """Absolute folder. What is in folders below is not watched."""
    path: Annotated[str, AfterValidator(_check_name)] = ""
    """Name of the one file that counts."""
    path_regexp: Annotated[str, AfterValidator(_check_pattern)] = ""
    """Pattern (RE2, unanchored) of the names that count."""

    @model_validator(mode="after")
    def _is_one_place(self) -> Self:
        if bool(self.path) == bool(self.path_regexp):
            raise ValueError("expected either path or pathRegexp")
        return self


class FileSpec(Spec):
    """Which changes of which files."""

    event_type: str = Field(min_length=1)
    """`CREATE`, `WRITE`, `REMOVE`, `RENAME` or `CHMOD`."""
    watch_path_config: WatchPath
    polling: bool = False
    """Look every 100 ms instead of asking the kernel; for network mounts."""
    metadata: dict[str, str] = {}
    """Copied into `data.metadata`."""
    filter: SourceFilter = None


@sources.register("file", spec=FileSpec, active_passive=True)
class File(Source[FileSpec]):
    """Emits `{"name": …, "op": …, "metadata": …}`.

    Semantics: Argo Events 1.9, `pkg/eventsources/sources/file`; what differs is in `docs/sources/file.md`.
    """

    members = frozenset(("name", "op", "metadata"))

    def __init__(self, spec: FileSpec, context: SourceContext) -> None:
        super().__init__(spec, context)
        if not spec.polling and find_spec("watchfiles") is None:
            hint = "pip install 'tocsin[file]', or set polling: true"
            raise SourceRefused(f"to be told of changes needs more than the base installation: {hint}")
        where = spec.watch_path_config
        self._folder = Path("/", normpath(where.directory).lstrip("/"))
        self._prefixes = ("",) if spec.polling or where.directory.endswith("/") else ("", "/")
        self._pattern = re2.compile(where.path_regexp, _quiet()) if where.path_regexp else None
        # As Go writes a map that is not there, and one that is.
        self._metadata = dict(sorted(spec.metadata.items())) if "metadata" in spec.model_fields_set else None
        self._there = True
        """Whether the folder was, at the last look."""
        self._op = Op.__members__.get(spec.event_type)

    def warnings(self) -> list[str]:
        """Say that an unknown event type never comes."""
        return (
            []
            if self._op is not None
            else [f"eventType: {self.spec.event_type!r} never comes; expected {', '.join(Op.__members__)}"]
        )

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled. Files that are there at the very first start produce nothing; at a later one, what happened to
        them meanwhile does.

        A look is kept after its events: a crash in between makes the same events again, which the log knows by their ids.
        """
        memory = FolderMemory(self._folder, self.context.state, self.context.road)
        known = await memory.recall()
        before: Files
        place, before = await asyncio.to_thread(look_at, self._folder)
        if not known:
            await memory.note(place, before)
        try:
            before = await self._told(emit, memory, place, before, before)
            async for _ in self._stirred():
                place, found = await asyncio.to_thread(look_at, self._folder)
                before = await self._told(emit, memory, place, before, found)
        finally:
            async with asyncio.timeout(_FLUSH_S):
                await memory.flush()

    async def _told(self, emit: Emit, memory: FolderMemory, place: int, before: Files, found: Files) -> Files:
        """Emit what happened between two looks; return the later one."""
        self._say_whether_it_is_there(there=place != 0)
        kept = memory.before(place, found)
        happened = list(changes(before if kept is None else kept, found))
        if kept is not None and happened:
            logger.info("folder_changed_meanwhile", source=str(self.context.road), changes=len(happened))
        for change in happened:
            if self._counts(change):
                await hand_over(emit, self._event(change), self.context)
        if happened:
            await memory.note(place, found)
        else:
            await memory.flush()
        return found

    @property
    def leaves_something(self) -> bool:
        """What the folder held is remembered."""
        return True

    async def withdrawn(self, others: Iterable[Source[Any]]) -> None:
        """Forget what the folder held: declared again, the source starts anew."""
        await FolderMemory(self._folder, self.context.state, self.context.road).forget()

    async def _stirred(self) -> AsyncIterator[None]:
        """Says when to look: soon after something happened, and now and then anyway."""
        while True:
            if self.spec.polling:
                await asyncio.sleep(POLL_S)
                yield
                continue
            try:
                place = await asyncio.to_thread(self._folder.stat)
                async with aclosing(self._kernel()) as stirs:
                    async for _ in stirs:
                        yield
                        if (await asyncio.to_thread(self._folder.stat)).st_ino != place.st_ino:
                            break  # another folder has this name now
            except FileNotFoundError:
                yield
                await asyncio.sleep(1.0)

    def _say_whether_it_is_there(self, *, there: bool) -> None:
        if there is self._there:
            return
        self._there = there
        if not there:
            logger.warning("folder_missing", source=str(self.context.road), folder=str(self._folder))
        self.context.tell("" if there else f"the folder {self._folder} is not there; it is waited for")

    async def _kernel(self) -> AsyncGenerator[object, None]:
        from watchfiles import awatch  # noqa: PLC0415 - an extra

        watched = awatch(
            self._folder,
            watch_filter=None,
            debounce=200,
            step=20,
            rust_timeout=LOOK_AGAIN_MS,
            yield_on_timeout=True,
            recursive=False,
        )
        async with aclosing(watched) as stirs:
            async for stir in stirs:
                yield stir

    def _counts(self, change: Change) -> bool:
        if change.op is not self._op:
            return False
        if self._pattern is None:
            return change.name == self.spec.watch_path_config.path
        name = readable(fsencode(change.name))
        # Where the kernel is asked and the directory has no slash at its end, the original's pattern sees one before the name.
        return any(self._pattern.search(prefix + name) is not None for prefix in self._prefixes)

    def _event(self, change: Change) -> Event:
        name = change.name if self.spec.polling else str(self._folder / change.name)
        shown = readable(fsencode(name))
        data = {"name": shown, "op": int(change.op), "metadata": self._metadata}
        return self.event(id=_id(change.op, change.name, change.file), time=now(), data=msgspec.json.encode(data))


def _id(op: Op, name: str, file: Seen) -> str:
    """The same change of the same file has the same id, whoever sees it."""
    parts = b"\0".join([str([int(op), *file]).encode(), fsencode(name)])
    return blake2b(parts, digest_size=16).hexdigest()
