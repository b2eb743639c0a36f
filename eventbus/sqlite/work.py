"""What the committer writes."""

import asyncio
from typing import Generic, Protocol, TypeVar

from eventbus.sqlite.store import Store

_Answer = TypeVar("_Answer")


class Work(Protocol):
    """Something to store: written, then settled once durable; or failed."""

    rows: int
    """About how many rows it writes."""
    keep: bool
    """True where it may be written twice, so that it waits for the disk to take it instead of failing."""

    def write(self, store: Store) -> None:
        """Write inside the open transaction.

        Where `keep`, it may be called again: after a rollback, and after a commit that was not synced, on what that has left.
        """

    def settle(self) -> None:
        """What was written is durable."""

    def fail(self, error: Exception) -> None:
        """It was not stored, or nobody knows."""


class Asked(Generic[_Answer]):
    """A work that one caller waits for; who is cancelled meanwhile gets no answer, the work goes on."""

    rows = 1
    keep = True

    def __init__(self) -> None:
        self.answered: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()

    def answer(self, value: _Answer) -> None:
        """Let the caller go on."""
        if not self.answered.done():
            self.answered.set_result(value)

    def fail(self, error: Exception) -> None:
        """See `Work.fail`."""
        if not self.answered.done():
            self.answered.set_exception(error)
