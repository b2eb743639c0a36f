"""Which partition a record goes to."""

import pytest

from sensors.triggers import kafka_partitions
from sensors.triggers.kafka_partitions import STICK_S, TOPICS, Partitioner


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(kafka_partitions, "monotonic", lambda: now[0])
    return now


def test_a_key_goes_where_every_kafka_client_puts_it(clock: list[float]) -> None:
    # Partitions of 6 that Kafka's Java client gives these keys: murmur2, made positive, modulo.
    chosen = {key: Partitioner().choose("t", key, range(6), []) for key in (b"21", b"foobar", b"a-little-bit-long-string")}
    assert chosen == {b"21": (-973932308 & 0x7FFFFFFF) % 6, b"foobar": (-790332482 & 0x7FFFFFFF) % 6,
                      b"a-little-bit-long-string": (-985981536 & 0x7FFFFFFF) % 6}  # fmt: skip


def test_records_without_a_key_stay_together_for_a_while_and_reach_every_partition(clock: list[float]) -> None:
    partitioner, seen = Partitioner(), set()
    for _ in range(200):
        assert partitioner.kept("t") is None
        first = partitioner.choose("t", None, range(4), [0, 1, 3])
        clock[0] += STICK_S / 2
        assert partitioner.kept("t") == first
        assert partitioner.kept("another") is None
        seen.add(first)
        clock[0] += STICK_S / 2
    assert seen == {0, 1, 3}


def test_where_no_partition_has_a_leader_any_is_as_good(clock: list[float]) -> None:
    assert Partitioner().choose("t", None, [7], []) == 7


def test_no_more_topics_are_remembered_than_a_service_has(clock: list[float]) -> None:
    partitioner = Partitioner()
    for n in range(TOPICS + 1):
        partitioner.choose(f"t{n}", None, [0], [0])
    assert [partitioner.kept(f"t{n}") for n in (0, TOPICS)] == [None, 0]
