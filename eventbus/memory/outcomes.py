"""What readers of outcomes are told, in memory."""

import asyncio
from collections.abc import Callable, Collection, Sequence

from eventbus.firing import FiringEnded
from eventbus.memory.stored import Stored
from eventbus.memory.waiting import Changed


class MemoryOutcomes:
    """See `Outcomes`."""

    def __init__(self, stored: Stored, require_open: Callable[[], None], changed: Changed) -> None:
        self._changed = changed
        self._stored = stored
        self._require_open = require_open
        self._loop = asyncio.get_running_loop()

    async def keep_for(self, readers: Collection[str]) -> None:
        """See `Outcomes.keep_for`."""
        self._require_open()
        present, last = self._stored.readers, self._stored.ended_numbers
        self._stored.readers = {name: present.get(name, last) for name in readers}
        self._forget()
        self._changed.tell()

    async def read(self, reader: str, *, limit: int, timeout_s: float) -> Sequence[FiringEnded]:
        """See `Outcomes.read`."""
        deadline = self._loop.time() + timeout_s
        while True:
            self._require_open()
            if reader not in self._stored.readers:
                raise LookupError(f"{reader!r} does not read outcomes")
            after = self._stored.readers[reader]
            found = [ended for number, ended in self._stored.ended.items() if number > after][:limit]
            if found or self._loop.time() >= deadline:
                return found
            await self._changed.wait(deadline - self._loop.time())

    async def passed(self, reader: str, number: int) -> None:
        """See `Outcomes.passed`."""
        self._require_open()
        if reader in self._stored.readers:
            self._stored.readers[reader] = max(self._stored.readers[reader], number)
        self._forget()
        self._changed.tell()

    def _forget(self) -> None:
        low = min(self._stored.readers.values(), default=self._stored.ended_numbers)
        for number in [number for number in self._stored.ended if number <= low]:
            del self._stored.ended[number]
