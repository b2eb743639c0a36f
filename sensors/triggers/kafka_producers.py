"""Writers that triggers share: one for each cluster, user and way of sending."""

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from clients.kafka.connection import REQUEST_TIMEOUT_S, Connection, UnknownTopic, require_library
from clients.kafka.faults import why
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.kafka_record import Record, Unwritten
from sensors.triggers.pool import CLOSE_S, Pool

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer

    from sensors.triggers.kafka_writer import Writer

TIMES = 8
"""How often a record that was not written for the sake of others is written again, within one attempt."""


class Way(NamedTuple):
    """How to send. Equal ways share a writer; a rotated password is another way."""

    connection: Connection
    acks: int
    compression: str | None = None
    linger_ms: int = 0


class Producers(Pool[Way, "Writer"]):
    """Sends records."""

    async def send(self, way: Way, record: Record) -> tuple[int, int]:
        """Return partition and offset once the broker has acknowledged `record`. Ends by itself.

        Raises `TriggerUnavailable` or `TriggerRefused`. If cancelled, the record may or may not be written.
        """
        alone = False
        for _ in range(TIMES):
            try:
                async with self.client(way) as writer:
                    return await writer.write(record, alone=alone)
            except Unwritten as exc:
                alone = alone or exc.alone
        raise TriggerUnavailable(f"{way.connection.where}: other records were refused again and again, and this one not written")

    async def open(self, way: Way) -> "Writer":
        """Start a producer. Raises `TriggerUnavailable`, `TriggerRefused`, and `ValueError` where certificates cannot be used."""
        require_library()
        from aiokafka.errors import KafkaError  # noqa: PLC0415 - heavy: only a process that writes to Kafka pays for it

        from sensors.triggers.kafka_writer import Writer  # noqa: PLC0415 - see above

        producer = _producer(way)
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                await producer.start()
            return Writer(producer, partial(_judged, connection=way.connection), linger_s=way.linger_ms / 1000)
        except BaseException as exc:  # cut off while it starts, it has connections to give back, too
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await producer.stop()
            if isinstance(exc, (KafkaError, OSError)):
                raise await _judged(exc, connection=way.connection) from exc
            raise

    async def close(self, client: "Writer") -> None:
        """Send what it holds, and stop it; what does not get through in time is given up."""
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await client.close()
        finally:
            await client.cut_off(at_once=True)

    async def cut_off(self, client: "Writer") -> None:
        """Stop it without sending what it holds."""
        await client.cut_off()

    def usable(self, client: "Writer") -> bool:
        """Whether it still writes."""
        return not client.spent


def _producer(way: Way) -> "AIOKafkaProducer":
    from aiokafka import AIOKafkaProducer  # noqa: PLC0415 - see above

    from sensors.triggers.kafka_writer import BATCH_BYTES, LARGEST_BYTES  # noqa: PLC0415 - see above

    return AIOKafkaProducer(
        **way.connection.arguments(),
        acks=way.acks,
        # What is repeated inside one attempt is written once; a later attempt carries the same key.
        enable_idempotence=way.acks == -1,
        compression_type=way.compression,
        max_batch_size=BATCH_BYTES,
        max_request_size=LARGEST_BYTES,
    )


async def _judged(exc: Exception, *, connection: Connection) -> TriggerUnavailable | TriggerRefused:
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
