"""The topic that a source reads, told apart from others that bore its name before."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from clients.kafka.topic_ids import topic_id
from sources.state import SourceState

if TYPE_CHECKING:
    from aiokafka.client import AIOKafkaClient

logger = structlog.get_logger()

_LABEL = "tocsin-topic:"
"""Before the topic's id in what is committed beside an offset."""


class Topic:
    """Records of the topic that was there first have plain ids; those of one that was made again under its name are marked by
    the id that the cluster gave it, so that its offsets are not taken for those of before.
    """

    def __init__(self, name: str, *, state: SourceState, source: str, degraded: Callable[[str], None]) -> None:
        """`degraded` says what does not go well; empty text: nothing."""
        self.name = name
        self._state, self._source, self._degraded = state, source, degraded
        self._client: AIOKafkaClient | None = None
        self._id = self._first = ""
        self._reached: dict[TopicPartition, int] = {}
        """The offset of each partition before which everything was durable when this process read it last."""
        self._repeating: dict[TopicPartition, int] = {}
        """Partitions that went back, and the offset up to which their records look like those of before."""

    async def identify(self, client: "AIOKafkaClient") -> None:
        """Find out which topic bears the name now. Call before anything of it is read by `client`.

        Raises errors of the library, and `BusUnavailable` where what is found cannot be remembered.
        """
        self._client = client
        before, self._id = self._id, await topic_id(client, self.name)
        if before != self._id:
            self._reached.clear()
            self._repeating.clear()
            self._degraded("")
        record = f"topic/{self.name}"
        self._first = (await self._state.get(record) or b"").decode()
        if self._id and not self._first:
            await self._state.put(record, self._id.encode())
            self._first = self._id
        if self.is_another:
            logger.info("topic_is_another", source=self._source, topic=self.name, id=self._id, first=self._first)

    @property
    def is_another(self) -> bool:
        """Whether it was made after one of its name that this source has read: nothing of it was read before it was there."""
        return self._id not in ("", self._first)

    @property
    def marked(self) -> str:
        """The name as ids of events have it; no topic can be called so by its maker where it is marked."""
        return f"{self.name}@{self._id}" if self.is_another else self.name

    @property
    def label(self) -> str:
        """What is committed beside an offset: which topic it is a position in."""
        return f"{_LABEL}{self._id}" if self._id else ""

    def is_ours(self, label: str) -> bool:
        """Whether an offset with `label` may be a position in this topic; labels of other programs say nothing."""
        return not (self._id and label.startswith(_LABEL)) or label == self.label

    async def is_same(self) -> bool:
        """Whether it is still there, as far as the cluster says."""
        if self._client is None or not self._id:
            return True
        try:
            now = await topic_id(self._client, self.name)
        except KafkaError:
            return True  # then nothing is read either
        if now in ("", self._id):
            return True
        logger.warning("topic_made_again", source=self._source, topic=self.name, reason="it is read from its beginning")
        return False

    def begins(self, partition: TopicPartition, offset: int, *, end: int) -> None:
        """Note that `partition`, which ends at `end` now, is read on from `offset`, which may be one that was read before."""
        if (position := max(offset, self._reached.get(partition, 0))) > end:
            self.went_back(partition, position=position, to=end)

    def went_back(self, partition: TopicPartition, *, position: int, to: int) -> None:
        """Say that `partition` goes on at `to`, before the `position` that was reached."""
        self._reached[partition] = to
        self._repeating[partition] = max(position, self._repeating.get(partition, 0))
        logger.error("topic_went_back", source=self._source, topic=self.name, reason=self._said())
        self._degraded(self._said())

    def reached(self, partition: TopicPartition, offset: int) -> None:
        """Note that everything of `partition` before `offset` is durable."""
        self._reached[partition] = offset
        if partition in self._repeating and offset >= self._repeating[partition]:
            del self._repeating[partition]
            self._degraded(self._said())

    def _said(self) -> str:
        if not self._repeating:
            return ""
        partition, position = next(iter(self._repeating.items()))
        return (
            f"partition {partition.partition} of topic {self.name!r} went back behind offset {position}, up to which it was "
            "read: it lost records, or was made again by a cluster that gives topics no ids; what it holds before that offset is "
            "taken for repeats; to have it, read the topic under another event name"
        )
