"""Which partitions a topic has: asked of a broker that may not have heard of the topic yet."""

from typing import Any

import pytest

from clients.kafka.connection import UnknownTopic, partitions_of
from tocsin.scenarios.virtual_time import VirtualLoop


class _Client:
    """Knows the topic from its `after`th answer on."""

    def __init__(self, after: int) -> None:
        self.cluster = self
        self.unauthorized_topics: frozenset[str] = frozenset()
        self.answers = 0
        self._after = after

    def add_topic(self, topic: str) -> None:
        """It is asked for from now on."""

    async def force_metadata_update(self) -> bool:
        self.answers += 1
        return True

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return {0} if self.answers >= self._after else None


def _asked(client: Any) -> tuple[frozenset[int], float]:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(partitions_of(client, "t")), loop.time()
    finally:
        loop.close()


def test_a_topic_that_was_just_made_is_waited_for() -> None:
    partitions, took_s = _asked(_Client(after=6))
    assert partitions == {0}
    assert 2.0 < took_s < 4.0


def test_a_topic_that_nobody_makes_is_given_up_after_seconds() -> None:
    client = _Client(after=100)
    with pytest.raises(UnknownTopic, match="there is no topic 't'"):
        _asked(client)
    assert client.answers == 6
