"""The client library's consumer: made as declared, and left in order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor

from clients.kafka.connection import Connection
from sources.kafka.header_names import read_any_names
from sources.kafka.settings import HEARTBEAT_MS
from sources.kafka.spec import KafkaSpec

logger = structlog.get_logger()

LEAVE_S = 10.0
"""Seconds for leaving the group and closing the connections."""
CLOSE_S = 0.5
"""The same where it has not been let into a group."""
_ASSIGNORS: dict[str, Any] = {
    "range": RangePartitionAssignor,
    "roundrobin": RoundRobinPartitionAssignor,
    "sticky": StickyPartitionAssignor,
}


@contextlib.asynccontextmanager
async def consuming(connection: Connection, spec: KafkaSpec, group: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that is connected, and not a member of `group` yet. Raises errors of the library, and `ValueError`."""
    consumer = _consumer(connection, spec, group)
    try:
        await consumer.start()
        yield consumer
    finally:
        await _left(consumer)


def _consumer(connection: Connection, spec: KafkaSpec, group: str) -> AIOKafkaConsumer:
    read_any_names()
    told: dict[str, Any] = {
        **connection.arguments(),
        "heartbeat_interval_ms": HEARTBEAT_MS,
        # A group without a position is placed by us. What this is for is a position that retention has passed by.
        "auto_offset_reset": "earliest",
        **spec.settings.consumer,
    }
    strategy = _ASSIGNORS["range" if spec.consumer_group is None else spec.consumer_group.strategy]
    return AIOKafkaConsumer(**told, group_id=group, enable_auto_commit=False, partition_assignment_strategy=(strategy,))


async def _left(consumer: AIOKafkaConsumer) -> None:
    """Leave the group, so that it does not wait for a member that is gone, and close the connections.

    Who waits to be let in has nothing to leave: the next start takes it out of the group.
    """
    # The library has no public way to these, and closes them by `stop`, but not where that fails.
    client, fetcher, coordinator = consumer._client, consumer._fetcher, consumer._coordinator  # noqa: SLF001
    is_member = coordinator is not None and coordinator.generation > 0
    try:
        async with asyncio.TaskGroup() as tasks:
            # In a task of its own: `stop` lets the cancellation of a fetch that waits for a lost broker out, as if it were ours.
            leaving = tasks.create_task(consumer.stop(), name="kafka-leave")
            await asyncio.wait([leaving], timeout=LEAVE_S if is_member else CLOSE_S)
            leaving.cancel()
    except* RuntimeError as faults:
        logger.debug("kafka_left_in_disorder", reason=str(faults.exceptions[0]))
    finally:
        if fetcher is not None and not fetcher._closed:  # noqa: SLF001
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(fetcher.close(), name="kafka-fetcher")  # see above
        await client.close()
