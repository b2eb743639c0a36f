"""Where partitions are read from when they are given to a source."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import structlog
from aiokafka import TopicPartition

from sources.kafka.topic import Topic

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer

logger = structlog.get_logger()


class Starts:
    """Finds the first offset to read of each partition."""

    def __init__(self, consumer: "AIOKafkaConsumer", topic: Topic, *, oldest: bool, source: str) -> None:
        """`oldest`: where a group without a position starts."""
        self._consumer, self._topic, self._oldest = consumer, topic, oldest
        self._log = logger.bind(source=source)

    def possible(self, partitions: Iterable[TopicPartition]) -> list[TopicPartition]:
        """Those of `partitions` that have a leader: what is asked of others is answered when they have one again, and all the
        others would wait for them.
        """
        cluster = self._consumer._client.cluster  # noqa: SLF001 - see below
        return sorted(one for one in partitions if cluster.leader_for_partition(one) not in (None, -1))

    async def of(self, partitions: Sequence[TopicPartition]) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
        """The starts of `partitions`, and those among them that are committed positions.

        All are asked for together and before one is read: what is asked beside a fetch waits until the broker has something to
        read, or gives up waiting for it. Raises `IllegalStateError` where they are not ours any more.
        """
        # The library's own `committed` asks for one partition, and leaves out what stands beside its offset.
        stored = await self._consumer._coordinator.fetch_committed_offsets(partitions)  # noqa: SLF001
        oldest: Mapping[TopicPartition, int] = await self._consumer.beginning_offsets(partitions)
        ends: Mapping[TopicPartition, int] = await self._consumer.end_offsets(partitions)
        starts: dict[TopicPartition, int] = {}
        positions: dict[TopicPartition, int] = {}
        for partition in partitions:
            found = stored.get(partition)
            if found is not None and found.offset >= 0 and self._topic.is_ours(found.metadata):
                starts[partition] = positions[partition] = int(found.offset)
                self._say_gap(partition, found.offset, oldest=oldest[partition])
            else:
                # A topic that was made again had no records before this source read its name.
                first = self._oldest or self._topic.is_another
                starts[partition] = oldest[partition] if first else ends[partition]
                self._consumer.seek(partition, starts[partition])
            self._topic.begins(partition, starts[partition], end=ends[partition])
        return starts, positions

    def _say_gap(self, partition: TopicPartition, stored: int, *, oldest: int) -> None:
        if oldest > stored:
            self._log.error(
                "records_removed_before_they_were_read",
                topic=partition.topic,
                partition=partition.partition,
                records=oldest - stored,
                reason="the topic's retention is shorter than this source was away",
            )
