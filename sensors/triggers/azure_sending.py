"""Senders of Azure's messaging that triggers share: one for each entity, identity and way of encrypting."""

import asyncio
import contextlib
import logging
from abc import abstractmethod
from collections import Counter
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from enum import Enum
from importlib import import_module
from importlib.util import find_spec
from time import monotonic
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.azure_message import AzureMessage, AzureWay, TooLarge, check_size
from sensors.triggers.http_answer import scrubbed
from sensors.triggers.pool import Pool

CONFIRM_S = 10
"""Seconds until a message must have been taken."""
CONNECT_S = 10
LANES = 8
"""Connections to one entity, each of which carries one message at a time."""
_CLOSE_S = 1.0
_INSIST_S = 0.1
FRESH_S = 60.0
"""Seconds of silence after which a connection is not trusted any more: Azure ends idle ones."""
_SAID_CHARS = 300


def socket_of(handler: Any) -> "asyncio.StreamWriter | None":
    """The connection of a handler of Azure's libraries, which forget to close it where the other side ended it."""
    writer: asyncio.StreamWriter | None = handler._connection._transport.writer  # noqa: SLF001 - there is no other way
    return writer


def is_installed(library: str) -> bool:
    """Whether one of Azure's libraries is there."""
    try:
        return find_spec(library) is not None
    except ModuleNotFoundError:  # not even what they have in common
        return False


SenderT = TypeVar("SenderT")


class Opened(NamedTuple, Generic[SenderT]):
    """A sender of one of Azure's libraries, and what it came with."""

    sender: SenderT
    closing: AsyncExitStack
    socket: "asyncio.StreamWriter | None"
    largest_bytes: int
    """Of a message; 0 where the service does not say. What is larger would end the link, with an error that says nothing."""


class Held(Generic[SenderT]):
    """A connection. It carries one message at a time: the library's senders cannot be shared otherwise."""

    def __init__(self, sender: Opened[SenderT]) -> None:
        self.sender = sender
        self.turn = asyncio.Lock()
        self.used_at = monotonic()
        self.proven = False
        """It has carried a message."""
        self.ended = False


class Verdict(Enum):
    """What an error of a library means."""

    LOST = "lost"
    """The connection ended."""
    LOGIN = "login"
    """The service does not accept who this is."""
    LATER = "later"
    NEVER = "never"


class Senders(Pool[AzureWay, Held[SenderT]]):
    """Sends messages; a kind's module says by which library. A connection that failed is opened again by the next message."""

    library: ClassVar[str]
    """The module that is imported when the first connection is made: in a thread, because it takes long."""

    @abstractmethod
    async def transmit(self, sender: SenderT, message: AzureMessage) -> None:
        """Return once the service has `message`. Raises errors of the library."""

    @abstractmethod
    async def connect(self, way: AzureWay) -> Opened[SenderT]:
        """Connect and log in. Raises errors of the library."""

    @abstractmethod
    def verdict(self, exc: Exception) -> Verdict:
        """What an error means."""

    def __init__(self) -> None:
        super().__init__()
        self._under_way: Counter[AzureWay] = Counter()

    async def send(self, way: AzureWay, message: AzureMessage, *, repeatable: bool) -> None:
        """Return once the service has `message`. Those that are sent at once go over up to `LANES` connections.

        A connection that carried messages before may have ended unnoticed: where `repeatable`, the message is then sent once
        more, on a new one. Raises `TriggerUnavailable` or `TriggerRefused`. If cancelled, it may or may not be sent.
        """
        lane = min((way._replace(lane=n) for n in range(LANES)), key=lambda one: self._under_way[one])
        self._under_way[lane] += 1
        try:
            await self._send(lane, message, repeatable=repeatable)
        finally:
            self._under_way[lane] -= 1
            self._under_way += Counter()  # forgets those at zero

    async def _send(self, way: AzureWay, message: AzureMessage, *, repeatable: bool) -> None:
        while True:
            proven = False
            try:
                async with self.client(way) as held, held.turn:
                    proven = held.proven
                    if not held.ended:
                        return await self._carry(way, held, message)
            except (TriggerUnavailable, TriggerRefused):
                raise
            except Exception as exc:  # whatever the library raises is judged
                verdict = Verdict.NEVER if isinstance(exc, TooLarge) else self.verdict(exc)
                if not (repeatable and proven and verdict is Verdict.LOST):
                    raise _error(verdict, exc, way) from exc
                repeatable = False

    async def open(self, way: AzureWay) -> Held[SenderT]:
        """Connect."""
        # What matters comes as an exception and is said once, by whoever handles it.
        logging.getLogger("azure").setLevel(logging.CRITICAL)
        await asyncio.to_thread(import_module, self.library)
        async with asyncio.timeout(CONNECT_S):
            return Held(await self.connect(way))

    async def close(self, client: Held[SenderT]) -> None:
        """Close it, whatever state it is in."""
        client.ended = True
        with contextlib.suppress(Exception):
            async with asyncio.timeout(_CLOSE_S):
                await _hang_up(client.sender)

    def usable(self, client: Held[SenderT]) -> bool:
        """Whether it was used a short while ago, or is in use."""
        return client.turn.locked() or monotonic() - client.used_at < FRESH_S

    async def _carry(self, way: AzureWay, held: Held[SenderT], message: AzureMessage) -> None:
        try:
            async with asyncio.timeout(CONFIRM_S):
                check_size(message, held.sender.largest_bytes)
                await _insisting(self.transmit(held.sender.sender, message))
        except TooLarge:  # not a byte is written
            raise
        except BaseException:  # perhaps half a frame is written: nobody goes on from there
            await self.discard(way, held)
            raise
        held.proven, held.used_at = True, monotonic()


async def _hang_up(opened: Opened[Any]) -> None:
    try:
        await opened.closing.aclose()
    finally:
        if opened.socket is not None:
            opened.socket.close()


async def _insisting(work: Coroutine[Any, Any, None]) -> None:
    """Await `work`. Cancelled, it ends soon, whatever becomes of the cancellation in it: the library loses some."""
    task = asyncio.create_task(work, name="azure-transmit")
    try:
        await asyncio.wait([task])
        task.result()
    finally:
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # cut off, nobody asks for its error
        while not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=_INSIST_S)


def _error(verdict: Verdict, exc: Exception, way: AzureWay) -> TriggerRefused | TriggerUnavailable:
    if verdict is Verdict.LOGIN:
        said = "the login is not accepted: check the name of the shared access key and the key"
    elif isinstance(exc, TimeoutError):
        said = f"no answer within {CONFIRM_S} s"
    else:
        first = scrubbed(str(exc), [way.connection.secret]).strip().partition("\n")[0]  # the rest says it again
        said = " ".join(first.split())[:_SAID_CHARS] or type(exc).__name__
    made = TriggerRefused if verdict is Verdict.NEVER else TriggerUnavailable
    return made(f"{way.where}: {said}")
