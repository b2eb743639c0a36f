"""Clients that triggers share: one for each way of reaching a target, opened when it is wanted, closed when nobody uses it."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Hashable
from time import monotonic
from typing import Generic, TypeVar

from sensors.errors import TriggerUnavailable

IDLE_S = 300.0
"""Seconds after which a client that nobody used is closed."""
CLOSE_S = 5.0

WayT = TypeVar("WayT", bound=Hashable)
ClientT = TypeVar("ClientT")


class _Held(Generic[ClientT]):
    """One client, and who uses it."""

    def __init__(self, opening: "asyncio.Task[ClientT]") -> None:
        self.opening = opening
        self.users = 0
        self.used_at = monotonic()


class Pool(ABC, Generic[WayT, ClientT]):
    """Opens and closes clients; a kind's module says how. Equal ways share a client; a rotated secret is another way."""

    def __init__(self) -> None:
        self._held: dict[WayT, _Held[ClientT]] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._held)

    @abstractmethod
    async def open(self, way: WayT) -> ClientT:
        """A client that is ready to use. Its errors reach everybody who waits for it."""

    @abstractmethod
    async def close(self, client: ClientT) -> None:
        """Let go of `client`, which may be broken."""

    async def cut_off(self, client: ClientT) -> None:
        """Let go of `client`, which does not work any more, without what it still holds."""
        await self.close(client)

    def usable(self, client: ClientT) -> bool:
        """Whether `client` can still be used."""
        return True

    @contextlib.asynccontextmanager
    async def client(self, way: WayT) -> AsyncIterator[ClientT]:
        """The client of `way`, for the time of the block.

        Raises what `open` raises, and `TriggerUnavailable` after `aclose`. A cancelled block leaves the client open.
        """
        await self._close_idle()
        held = await self._of(way)
        held.users += 1
        try:
            try:
                opened = await asyncio.shield(held.opening)
            except asyncio.CancelledError as exc:
                if held.opening.cancelled():
                    raise TriggerUnavailable("the service is stopping") from exc
                raise
            yield opened
        finally:
            held.users -= 1
            held.used_at = monotonic()
            if _broke(held) and self._held.get(way) is held:
                del self._held[way]

    async def discard(self, way: WayT, client: ClientT) -> None:
        """Cut `client` off, which others may be using: it has shown that it does not work any more. Twice does nothing more."""
        held = self._held.get(way)
        if held is not None and _opened(held) and held.opening.result() is client:
            del self._held[way]
            await self.cut_off(client)

    async def aclose(self) -> None:
        """Close every client. Using one after it raises `TriggerUnavailable`."""
        self._closed = True
        held, self._held = list(self._held.values()), {}
        for one in held:
            await self._let_go(one)

    async def _of(self, way: WayT) -> _Held[ClientT]:
        held = self._held.get(way)
        if held is not None and _opened(held) and not self.usable(held.opening.result()):
            await self.discard(way, held.opening.result())
            held = self._held.get(way)
        if self._closed:
            raise TriggerUnavailable("the service is stopping")
        if held is None:
            held = self._held[way] = _Held(asyncio.create_task(self.open(way)))
            # Whoever waits for it raises its error; perhaps nobody does any more.
            held.opening.add_done_callback(lambda task: task.cancelled() or task.exception())
        return held

    async def _close_idle(self) -> None:
        now = monotonic()
        for way, held in [*self._held.items()]:
            if not held.users and held.opening.done() and now - held.used_at > IDLE_S:
                del self._held[way]
                await self._let_go(held)

    async def _let_go(self, held: _Held[ClientT]) -> None:
        if not held.opening.done():
            held.opening.cancel()
            await asyncio.wait([held.opening])
        if _opened(held):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self.close(held.opening.result())


def _opened(held: _Held[ClientT]) -> bool:
    return held.opening.done() and not _broke(held)


def _broke(held: _Held[ClientT]) -> bool:
    return held.opening.done() and (held.opening.cancelled() or held.opening.exception() is not None)
