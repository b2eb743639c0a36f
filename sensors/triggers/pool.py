"""Clients that triggers share: one for each way of reaching a target, opened when it is wanted, closed when nobody uses it."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Hashable
from time import monotonic
from typing import Generic, TypeVar

from sensors.errors import TriggerUnavailable

IDLE_S = 300.0
"""Seconds after which a client that nobody used is closed."""
CLOSE_S = 5.0
_LOOK_S = 0.01
"""Seconds between two looks at the least."""

WayT = TypeVar("WayT", bound=Hashable)
ClientT = TypeVar("ClientT")


class _Held(Generic[ClientT]):
    """One client, and who uses it."""

    def __init__(self, opening: "asyncio.Task[ClientT]") -> None:
        self.opening = opening
        self.users = 0
        self.used_at = monotonic()

    @property
    def unused(self) -> bool:
        """Whether it is open, and nobody uses it."""
        return not self.users and self.opening.done()


class Pool(ABC, Generic[WayT, ClientT]):
    """Opens and closes clients; a kind's module says how. Equal ways share a client; a rotated secret is another way."""

    def __init__(self) -> None:
        self._held: dict[WayT, _Held[ClientT]] = {}
        self._closed = False
        self._looking: asyncio.TimerHandle | None = None
        self._tidying: asyncio.Task[None] | None = None

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

    def client(self, way: WayT) -> "contextlib.AbstractAsyncContextManager[ClientT]":
        """The client of `way`, for the time of the block.

        Raises what `open` raises, and `TriggerUnavailable` after `aclose`. A cancelled block leaves the client open.
        """
        return _Use(self, way)

    async def begin(self, way: WayT) -> _Held[ClientT]:
        """Note that somebody uses the client of `way`, which may still be opening."""
        held = await self._of(way)
        held.users += 1
        self._look_later()
        return held

    def end(self, way: WayT, held: _Held[ClientT]) -> None:
        """Note that somebody uses it no more."""
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
        if self._looking is not None:
            self._looking.cancel()
        if self._tidying is not None:
            await asyncio.wait([self._tidying])
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

    def _look_later(self) -> None:
        """Look for idle clients when the first of them may be one, whether or not anybody calls by then."""
        if self._looking is not None or self._closed or not self._held:
            return
        unused_since = min((held.used_at for held in self._held.values() if held.unused), default=monotonic())
        left_s = max(_LOOK_S, unused_since + IDLE_S - monotonic())
        self._looking = asyncio.get_running_loop().call_later(left_s, self._look)

    def _look(self) -> None:
        # A task of its own: whoever sends meanwhile neither waits for it nor, when cancelled, leaves a client half closed.
        self._tidying = asyncio.create_task(self._close_idle(), name="close-idle-clients")

    async def _close_idle(self) -> None:
        for way, held in [*self._held.items()]:
            if self._held.get(way) is held and held.unused and monotonic() - held.used_at >= IDLE_S:
                del self._held[way]
                await self._let_go(held)
        self._looking = None
        self._look_later()

    async def _let_go(self, held: _Held[ClientT]) -> None:
        if not held.opening.done():
            held.opening.cancel()
            await asyncio.wait([held.opening])
        if _opened(held):
            with contextlib.suppress(Exception):  # it may be broken, nobody needs it any more, and others are to be closed
                async with asyncio.timeout(CLOSE_S):
                    await self.close(held.opening.result())


class _Use(Generic[WayT, ClientT]):
    """One use of a client. A class and no generator: every firing pays for it."""

    __slots__ = ("_held", "_pool", "_way")
    _held: _Held[ClientT]

    def __init__(self, pool: Pool[WayT, ClientT], way: WayT) -> None:
        self._pool = pool
        self._way = way

    async def __aenter__(self) -> ClientT:
        held = self._held = await self._pool.begin(self._way)
        try:
            return held.opening.result() if held.opening.done() else await asyncio.shield(held.opening)
        except BaseException as exc:  # only to undo: the block is not entered
            self._pool.end(self._way, held)
            if isinstance(exc, asyncio.CancelledError) and held.opening.cancelled():
                raise TriggerUnavailable("the service is stopping") from exc
            raise

    async def __aexit__(self, *_: object) -> None:
        self._pool.end(self._way, self._held)


def _opened(held: _Held[ClientT]) -> bool:
    return held.opening.done() and not _broke(held)


def _broke(held: _Held[ClientT]) -> bool:
    return held.opening.done() and (held.opening.cancelled() or held.opening.exception() is not None)
