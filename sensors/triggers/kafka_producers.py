"""Producers that triggers share: one for each cluster, user and way of sending."""

import asyncio
import contextlib
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from eventbus.kafka.connection import Connection, UnknownTopic, partitions_of, require_library
from eventbus.kafka.faults import why
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.kafka_record import Record

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer

IDLE_S = 300.0
"""Seconds after which a producer that nobody used is closed."""
CLOSE_S = 5.0
SEND_S = 10.0
"""Seconds until the brokers must have acknowledged a record; the library by itself would try for ever."""
BATCH_BYTES = 64 * 1024
LARGEST_BYTES = 64 * 1024 * 1024
"""A record above this is not even offered to the broker, whose own limit is what counts below it."""


class Way(NamedTuple):
    """How to send. Equal ways share a producer; a rotated password is another way."""

    connection: Connection
    acks: int
    compression: str | None = None
    linger_ms: int = 0


class _Held:
    """One producer, and who waits for it."""

    def __init__(self, producer: "AIOKafkaProducer") -> None:
        self.producer = producer
        self.started: asyncio.Future[None] | None = None
        self.users = 0
        self.used_at = monotonic()


class Producers:
    """Sends records. Close it with `aclose`."""

    def __init__(self) -> None:
        self._held: dict[Way, _Held] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._held)

    async def send(self, way: Way, record: Record) -> tuple[int, int]:
        """Return partition and offset once the broker has acknowledged `record`.

        Raises `TriggerUnavailable` or `TriggerRefused`. If cancelled, the record may or may not be written.
        """
        from aiokafka.errors import KafkaError  # noqa: PLC0415 - heavy: only a process that writes to Kafka pays for it

        await self._close_idle()
        held = self._of(way)
        held.users += 1
        try:
            await self._start(way, held)
            async with asyncio.timeout(SEND_S):
                return await _sent(held.producer, record)
        except (UnknownTopic, KafkaError, OSError, TimeoutError) as exc:
            if isinstance(exc, TimeoutError) or _is_beyond_repair(exc):
                await self._abandon(way, held)
            raise await _judged(exc, way.connection) from exc
        except asyncio.CancelledError:
            await self._abandon(way, held)
            raise
        finally:
            held.users -= 1
            held.used_at = monotonic()

    async def aclose(self) -> None:
        """Close every producer. Sending after it raises `TriggerUnavailable`."""
        self._closed = True
        held, self._held = list(self._held.values()), {}
        for one in held:
            await _close(one)

    def _of(self, way: Way) -> _Held:
        if self._closed:
            raise TriggerUnavailable("the service is stopping")
        held = self._held.get(way)
        if held is None:
            held = self._held[way] = _Held(_producer(way))
        return held

    async def _start(self, way: Way, held: _Held) -> None:
        """Start the producer once, for all who wait for it. One that cannot start is forgotten."""
        if held.started is not None:
            await asyncio.shield(held.started)
            return
        held.started = asyncio.get_running_loop().create_future()
        try:
            await held.producer.start()
        except BaseException as exc:
            if self._held.get(way) is held:
                del self._held[way]
            cut_off = isinstance(exc, asyncio.CancelledError)
            held.started.set_exception(TriggerUnavailable("connecting was cut off") if cut_off else exc)
            held.started.exception()  # perhaps nobody else waits
            await _close(held)
            raise
        held.started.set_result(None)

    async def _abandon(self, way: Way, held: _Held) -> None:
        """Give up on a producer that does not get a record through.

        It would keep the record, send it whenever the broker is back, and each later attempt would add one more. Others that wait
        for it run into their own deadline, and try again, too.
        """
        if self._held.get(way) is held:
            del self._held[way]
            await _cut_off(held.producer)

    async def _close_idle(self) -> None:
        now = monotonic()
        idle = [way for way, held in self._held.items() if not held.users and now - held.used_at > IDLE_S]
        for way in idle:
            await _close(self._held.pop(way))


def _producer(way: Way) -> "AIOKafkaProducer":
    require_library()
    from aiokafka import AIOKafkaProducer  # noqa: PLC0415 - see above

    from sensors.triggers.kafka_partitions import Partitioner  # noqa: PLC0415 - see above

    return AIOKafkaProducer(
        **way.connection.arguments(),
        acks=way.acks,
        # What is repeated inside one attempt is written once; a later attempt carries the same key.
        enable_idempotence=way.acks == -1,
        compression_type=way.compression,
        linger_ms=way.linger_ms,
        partitioner=Partitioner(),
        max_batch_size=BATCH_BYTES,
        max_request_size=LARGEST_BYTES,
    )


async def _sent(producer: "AIOKafkaProducer", record: Record) -> tuple[int, int]:
    partitions = await partitions_of(producer.client, record.topic)
    if record.partition is not None and record.partition not in partitions:
        raise UnknownTopic(f"topic {record.topic!r} has no partition {record.partition}, it has {len(partitions)}")
    answer = await producer.send(
        record.topic, record.value, key=record.key, partition=record.partition, headers=list(record.headers)
    )
    written = await answer
    return int(written.partition), int(written.offset)


async def _close(held: _Held) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await held.producer.stop()


async def _cut_off(producer: "AIOKafkaProducer") -> None:
    """Close `producer` without sending what it holds; its own `stop` would wait for that."""
    producer._closed = True  # noqa: SLF001 - there is no public way
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await producer._sender.close()  # noqa: SLF001 - see above
    finally:
        await producer.client.close()


def _is_beyond_repair(exc: Exception) -> bool:
    """Whether a producer that says this can never send again."""
    from aiokafka import errors  # noqa: PLC0415 - see above

    lost = (
        errors.ProducerClosed,
        errors.ProducerFenced,
        errors.OutOfOrderSequenceNumber,
        errors.InvalidProducerEpoch,
        errors.UnknownProducerId,
    )
    return isinstance(exc, lost)


async def _judged(exc: Exception, connection: Connection) -> TriggerUnavailable | TriggerRefused:
    from aiokafka import errors  # noqa: PLC0415 - see above

    permanent = (
        UnknownTopic,
        errors.MessageSizeTooLargeError,
        errors.RecordListTooLargeError,
        errors.InvalidTopicError,
        errors.TopicAuthorizationFailedError,
        errors.ClusterAuthorizationFailedError,
    )
    said = await why(exc, connection)
    return TriggerRefused(said) if isinstance(exc, permanent) else TriggerUnavailable(said)
