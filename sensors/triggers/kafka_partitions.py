"""Which partition a record goes to."""

import random
from collections.abc import Sequence
from time import monotonic

from aiokafka.partitioner import DefaultPartitioner

STICK_S = 0.02
"""Seconds for which records without a key go to one partition: spread over all, each would travel in a batch of its own."""


class Partitioner:
    """Kafka's own hash where there is a key; else one of those that have a leader, another one every `STICK_S`."""

    def __init__(self) -> None:
        self._by_key = DefaultPartitioner()
        self._until = 0.0
        self._chosen = -1

    def __call__(self, key: bytes | None, partitions: Sequence[int], available: Sequence[int]) -> int:
        """One of `partitions`; called by the producer for each record, topic after topic."""
        if key is not None:
            return int(self._by_key(key, partitions, available))
        now, possible = monotonic(), available or partitions
        if now >= self._until or self._chosen not in possible:
            self._chosen, self._until = random.choice(possible), now + STICK_S  # noqa: S311 - spreads load, guards nothing
        return self._chosen
