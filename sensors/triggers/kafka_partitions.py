"""Which partition a record goes to."""

import random
from collections.abc import Sequence
from time import monotonic

from aiokafka.partitioner import DefaultPartitioner

STICK_S = 0.02
"""Seconds for which records without a key go to one partition: spread over all, each would travel in a batch of its own."""
TOPICS = 256
"""Topics for which that is remembered."""
_NEVER = (-1, 0.0)


class Partitioner:
    """Kafka's own hash where there is a key; else one of those that have a leader, another one every `STICK_S`."""

    def __init__(self) -> None:
        self._by_key = DefaultPartitioner()
        self._kept: dict[str, tuple[int, float]] = {}
        """By topic: the partition of records without a key, and until when."""

    def kept(self, topic: str) -> int | None:
        """Where records of `topic` without a key go for now; None where that is to be chosen."""
        partition, until = self._kept.get(topic, _NEVER)
        return partition if monotonic() < until else None

    def choose(self, topic: str, key: bytes | None, partitions: Sequence[int], available: Sequence[int]) -> int:
        """One of `partitions` of `topic`; `available` are those that have a leader."""
        if key is not None:
            return int(self._by_key(key, partitions, available))
        if len(self._kept) >= TOPICS:
            self._kept.clear()
        chosen = random.choice(available or partitions)  # noqa: S311 - spreads load, guards nothing
        self._kept[topic] = chosen, monotonic() + STICK_S
        return chosen
