"""Ids of topics, where a broker tells them."""

from typing import Any

import pytest
from aiokafka.errors import UnknownTopicOrPartitionError

from clients.kafka.topic_ids import _MetadataResponse, _TopicRequest, topic_id

ID = bytes(range(16))


class Broker:
    """Answers as a broker that speaks `versions`."""

    def __init__(self, *topics: tuple[str, bytes], versions: tuple[int, int] = (0, 13)) -> None:
        self._topics, self._versions = topics, versions

    def get_random_node(self) -> int:
        return 1

    async def send(self, node: int, request: _TopicRequest) -> Any:
        request.prepare({3: self._versions}).encode()
        partition = (0, 0, 1, 4, [1], [1], [], {})
        topics = [(0 if id else 3, name, id or bytes(16), False, [partition], -2147483648, {}) for name, id in self._topics]
        answer = _MetadataResponse(0, [(1, "localhost", 9092, None, {})], "cluster", 1, topics, -2147483648, {})
        return _MetadataResponse.decode(answer.encode())


@pytest.mark.parametrize(
    ("broker", "id"),
    [
        (Broker(("orders", ID)), "AAECAwQFBgcICQoLDA0ODw"),
        (Broker(("other", ID), ("orders", bytes(16))), ""),
        (Broker(("orders", ID), versions=(0, 9)), ""),
    ],
    ids=["as Kafka's tools show it", "a topic from before ids", "a broker from before ids"],
)
async def test_the_id_of_a_topic_is_told_where_there_is_one(broker: Any, id: str) -> None:
    assert await topic_id(broker, "orders") == id


@pytest.mark.parametrize("broker", [Broker(("orders", b"")), Broker(("other", ID)), Broker()])
async def test_a_broker_that_has_not_heard_of_the_topic_says_nothing_of_its_id(broker: Any) -> None:
    with pytest.raises(UnknownTopicOrPartitionError):
        await topic_id(broker, "orders")
