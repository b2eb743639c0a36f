"""Producers that `pulsar` triggers share: one for each topic, on one connection for each cluster and user."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from zlib import crc32

from tenacity import AsyncRetrying, retry_if_exception, stop_after_delay, wait_fixed

from clients.pulsar_connection import PulsarConnection, PulsarFailed, PulsarWay, failed
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.pool import Pool

if TYPE_CHECKING:
    from pulsar import MessageId
    from pulsar.asyncio import Producer

SEND_S = 10.0
"""Seconds until the broker must have stored a message."""
WAITING = 10_000
"""Messages that may wait for a broker's answer."""
_CLOSE_S = 2.0
_BUSY = "ProducerBusy"
_AGAIN_S = 0.1
_NO_ENTRY = -1
_ONLY_THIS = frozenset({"InvalidMessage", "MemoryBufferIsFull", "MessageTooBig", "ProducerQueueIsFull", "Timeout"})
"""Failures of a message that say nothing about its producer, which connects again by itself."""

T = TypeVar("T")


class PulsarMessage(NamedTuple):
    """What is sent."""

    topic: str
    body: bytes
    key: str
    properties: dict[str, str]
    deduplicate: bool = False


class _SendFailed(PulsarFailed):
    """A message was not stored."""

    def __init__(self, result: str, failure: PulsarFailed) -> None:
        super().__init__(str(failure), lasting=failure.lasting)
        self.result = result


class _Clients(Pool[PulsarWay, PulsarConnection]):
    """Connections to clusters. The library connects again by itself."""

    async def open(self, way: PulsarWay) -> PulsarConnection:
        await asyncio.to_thread(import_module, "pulsar.asyncio")  # it takes long
        return PulsarConnection(way)

    async def close(self, client: PulsarConnection) -> None:
        await client.close()


class ProducerWay(NamedTuple):
    """A topic of a cluster."""

    cluster: PulsarWay
    topic: str
    message: str = ""
    """Key of the one message that it is for: the broker remembers what it had last from each name. Empty: for all."""


class _Open(NamedTuple):
    """A producer, and what holds its connection open."""

    producer: "Producer"
    held: contextlib.AsyncExitStack


class PulsarProducers(Pool[ProducerWay, _Open]):
    """Sends messages."""

    def __init__(self) -> None:
        super().__init__()
        self._clients = _Clients()

    async def send(self, cluster: PulsarWay, message: PulsarMessage, pauses: Iterable[float] = ()) -> str:
        """Return where the broker stored `message`; connecting is tried again after each of `pauses`, seconds.

        Raises `TriggerUnavailable` or `TriggerRefused`. If cancelled, the message may or may not be stored.
        """
        way, left = ProducerWay(cluster, message.topic, message.key if message.deduplicate else ""), iter(pauses)
        try:
            async with contextlib.AsyncExitStack() as stack:
                opened = await _again(lambda: stack.enter_async_context(self.client(way)), left)
                if way.message:
                    stack.push_async_callback(self.discard, way, opened)
                return _place(await self._sent(way, opened, message))
        except PulsarFailed as exc:
            raise (TriggerRefused if exc.lasting else TriggerUnavailable)(str(exc)) from exc

    async def _sent(self, way: ProducerWay, opened: _Open, message: PulsarMessage) -> "MessageId":
        try:
            return await _sent(opened.producer, message, way.cluster)
        except _SendFailed as exc:
            if exc.result not in _ONLY_THIS:
                await self.discard(way, opened)
            raise

    async def open(self, way: ProducerWay) -> _Open:
        """A producer that is ready to send. Raises `PulsarFailed`."""
        async with contextlib.AsyncExitStack() as stack:
            connection = await stack.enter_async_context(self._clients.client(way.cluster))
            producer = await _producer(connection, way.topic, way.message)
            return _Open(producer, stack.pop_all())

    async def close(self, client: _Open) -> None:
        """Let it go, whatever state it is in."""
        async with client.held:
            await _close(client.producer)

    async def aclose(self) -> None:
        """Close every producer and connection."""
        await super().aclose()
        await self._clients.aclose()


async def _again(connect: Callable[[], Awaitable[T]], pauses: Iterator[float]) -> T:
    while True:
        try:
            return await connect()
        except PulsarFailed as exc:
            pause_s = None if exc.lasting else next(pauses, None)
            if pause_s is None:
                raise
        await asyncio.sleep(pause_s)


async def _producer(connection: PulsarConnection, topic: str, name: str) -> "Producer":
    """Raises `PulsarFailed`. A name that an attempt before this one left with the broker is waited for."""
    from pulsar.asyncio import PulsarException  # noqa: PLC0415 - an extra, and heavy

    freed = AsyncRetrying(
        retry=retry_if_exception(_is_busy), wait=wait_fixed(_AGAIN_S), stop=stop_after_delay(SEND_S), reraise=True
    )
    try:
        return await freed(
            connection.client.create_producer,
            topic,
            send_timeout_millis=int(1000 * SEND_S),
            max_pending_messages=WAITING,
            # One message's failure is its own.
            batching_enabled=False,
            **(_named(name) if name else {}),
        )
    except PulsarException as exc:
        raise await failed(exc, connection.way) from exc


def _is_busy(exc: BaseException) -> bool:
    from pulsar.asyncio import PulsarException  # noqa: PLC0415 - see above

    return isinstance(exc, PulsarException) and exc.error().name == _BUSY


def _named(name: str) -> dict[str, Any]:
    """Options of a producer whose repeat the broker recognises, which must come to the partition that had the first."""
    from pulsar import PartitionsRoutingMode  # noqa: PLC0415 - see above

    place = crc32(name.encode())
    return {
        "producer_name": f"tocsin-{name}",
        "message_routing_mode": PartitionsRoutingMode.CustomPartition,
        "message_router": lambda _, partitions: place % partitions,
    }


async def _sent(producer: "Producer", message: PulsarMessage, way: PulsarWay) -> "MessageId":
    from pulsar.asyncio import PulsarException  # noqa: PLC0415 - see above

    # The only message of its producer is always the same one in the broker's count.
    sequence = 0 if message.deduplicate else None
    try:
        return await producer.send(message.body, properties=message.properties, sequence_id=sequence)
    except PulsarException as exc:
        raise _SendFailed(exc.error().name, await failed(exc, way)) from exc


def _place(stored: "MessageId") -> str:
    if stored.entry_id() == _NO_ENTRY:
        return "the topic had it already"
    partition = f", partition {stored.partition()}" if stored.partition() >= 0 else ""
    return f"ledger {stored.ledger_id()}, entry {stored.entry_id()}{partition}"


async def _close(producer: "Producer") -> None:
    from pulsar.asyncio import PulsarException  # noqa: PLC0415 - see above

    with contextlib.suppress(PulsarException, TimeoutError):
        async with asyncio.timeout(_CLOSE_S):
            await producer.close()
