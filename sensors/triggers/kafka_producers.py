"""Producers that triggers share: one for each cluster, user and way of sending."""

import asyncio
import contextlib
from typing import TYPE_CHECKING, NamedTuple

from clients.kafka.connection import Connection, UnknownTopic, partitions_of, require_library
from clients.kafka.faults import why
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.kafka_record import Record
from sensors.triggers.pool import CLOSE_S, Pool

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer

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


class Producers(Pool[Way, "AIOKafkaProducer"]):
    """Sends records."""

    async def send(self, way: Way, record: Record) -> tuple[int, int]:
        """Return partition and offset once the broker has acknowledged `record`.

        Raises `TriggerUnavailable` or `TriggerRefused`. If cancelled, the record may or may not be written.
        """
        from aiokafka.errors import KafkaError  # noqa: PLC0415 - heavy: only a process that writes to Kafka pays for it

        try:
            async with self.client(way) as producer:
                try:
                    async with asyncio.timeout(SEND_S):
                        return await _sent(producer, record)
                except (KafkaError, TimeoutError, asyncio.CancelledError) as exc:
                    if not isinstance(exc, KafkaError) or _is_beyond_repair(exc):
                        await self.discard(way, producer)
                    raise
        except (UnknownTopic, KafkaError, OSError, TimeoutError) as exc:
            raise await _judged(exc, way.connection) from exc

    async def open(self, way: Way) -> "AIOKafkaProducer":
        """Start a producer. Raises errors of the library, `OSError` and `ValueError`."""
        producer = _producer(way)
        try:
            await producer.start()
        except BaseException:  # cut off while it starts, it has connections to give back, too
            await self.close(producer)
            raise
        return producer

    async def close(self, client: "AIOKafkaProducer") -> None:
        """Send what it holds, and stop it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await client.stop()

    async def cut_off(self, client: "AIOKafkaProducer") -> None:
        """Stop it without sending what it holds; its own `stop` would wait for that.

        It would keep a record that it could not get through, send it whenever the broker is back, and each later attempt would
        add one more. Others that wait for it run into their own deadline, and try again, too.
        """
        client._closed = True  # noqa: SLF001 - there is no public way
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await client._sender.close()  # noqa: SLF001 - see above
        finally:
            await client.client.close()


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
