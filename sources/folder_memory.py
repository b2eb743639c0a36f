"""What a folder held when it was last looked at, kept over restarts, so that what happens meanwhile is told afterwards."""

from collections.abc import Mapping
from os import fsdecode, fsencode
from pathlib import Path
from time import monotonic

import msgspec
import structlog

from eventbus.errors import BusUnavailable
from eventbus.event import Road
from sources.folder import Seen
from sources.state import SourceState

logger = structlog.get_logger()

SMALL = 1_000
"""Files up to which each change is noted at once; above it, once in as many seconds as there are tens of thousands."""

_RECORD = "folder"

Files = Mapping[str, Seen]


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    """The record."""

    folder: bytes
    place: int
    files: list[tuple[bytes, Seen]]


class FolderMemory:
    """The last look at one folder. `place` is the folder's inode: another folder of that name is not the one that was known."""

    def __init__(self, folder: Path, state: SourceState, road: Road) -> None:
        self._folder, self._state, self._road = folder, state, road
        self._known: tuple[int, Files] | None = None
        """What was kept, until the folder it is of was seen again."""
        self._unnoted: tuple[int, Files] | None = None
        self._noted_at = -1e9

    async def recall(self) -> bool:
        """Read what was kept; False where nothing was kept of this folder."""
        raw = await self._state.get(_RECORD)
        if raw is None:
            return False
        try:
            kept = msgspec.msgpack.decode(raw, type=_Kept)
        except msgspec.DecodeError as exc:
            logger.warning("folder_record_unreadable", source=str(self._road), reason=str(exc))
            return False
        if kept.folder != fsencode(self._folder):
            return False
        self._known = kept.place, {fsdecode(name): seen for name, seen in kept.files}
        return True

    def before(self, place: int, found: Files) -> Files | None:
        """What the folder held when the process went down, the first time that it is seen again; else None.

        File systems may number their files anew: there, one of the same size and time is the same file, and any other one was
        written.
        """
        if self._known is None or self._known[0] != place:
            return None
        (_, files), self._known = self._known, None
        both = [(seen, found[name]) for name, seen in files.items() if name in found]
        if not any(_is_same(old, new) and old.inode != new.inode for old, new in both):
            return files
        return {name: seen._replace(inode=found[name].inode) if name in found else seen for name, seen in files.items()}

    async def note(self, place: int, files: Files) -> None:
        """Keep this look, at once or soon. What the log cannot keep now is kept after a later look."""
        self._unnoted = place, files
        if len(files) <= SMALL or monotonic() - self._noted_at >= len(files) / 10_000:
            await self.flush()

    async def flush(self) -> None:
        """Keep what was not kept yet."""
        if self._unnoted is None:
            return
        place, files = self._unnoted
        record = _Kept(fsencode(self._folder), place, [(fsencode(name), seen) for name, seen in files.items()])
        try:
            await self._state.put(_RECORD, msgspec.msgpack.encode(record))
        except BusUnavailable as exc:
            logger.debug("folder_not_noted", source=str(self._road), reason=str(exc))
            return
        self._unnoted, self._noted_at = None, monotonic()

    async def forget(self) -> None:
        """Keep nothing."""
        await self._state.forget(_RECORD)


def _is_same(old: Seen, new: Seen) -> bool:
    return (old.size, old.modified_ns) == (new.size, new.modified_ns)
