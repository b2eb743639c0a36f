"""What a source remembers across restarts: small records under a key of its own road."""

from dataclasses import dataclass, field

from eventbus.contract import StateStore
from eventbus.event import Road


class MemoryStore:
    """Records that end with the process, for tests and for sources that run by themselves."""

    def __init__(self) -> None:
        self._records: dict[str, tuple[bytes, int]] = {}
        self._version = 0

    async def get(self, key: str) -> tuple[bytes, int] | None:
        """The value and its version, or None."""
        return self._records.get(key)

    async def put(self, key: str, value: bytes | None, *, version: int | None = None, expires_us: int | None = None) -> bool:
        """Write where the stored version is `version`; nothing expires here."""
        if version is not None and version != self._records.get(key, (b"", 0))[1]:
            return False
        if value is None:
            self._records.pop(key, None)
        else:
            self._version += 1
            self._records[key] = (value, self._version)
        return True


@dataclass(frozen=True, slots=True)
class SourceState:
    """The records of one named event. Nobody else reads or writes them."""

    store: StateStore = field(default_factory=MemoryStore, repr=False)
    prefix: str = ""

    @classmethod
    def of(cls, road: Road, store: StateStore) -> "SourceState":
        """The records of `road` in `store`."""
        return cls(store, f"source/{road}/")

    async def get(self, name: str) -> bytes | None:
        """The record `name`, or None."""
        found = await self.store.get(self.prefix + name)
        return None if found is None else found[0]

    async def forget(self, name: str) -> None:
        """Remove the record, where there is one. Raises as `put`."""
        await self.store.put(self.prefix + name, None)

    async def put(self, name: str, value: bytes) -> None:
        """Write the record; return once a crash cannot forget it. Raises `BusUnavailable` where it cannot be written now."""
        await self.store.put(self.prefix + name, value)
