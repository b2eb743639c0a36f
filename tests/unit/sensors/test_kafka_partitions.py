"""Which partition a record goes to."""

import pytest

from sensors.triggers import kafka_partitions
from sensors.triggers.kafka_partitions import STICK_S, Partitioner


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(kafka_partitions, "monotonic", lambda: now[0])
    return now


def test_a_key_goes_where_every_kafka_client_puts_it(clock: list[float]) -> None:
    # Partitions of 6 that Kafka's Java client gives these keys: murmur2, made positive, modulo.
    chosen = {key: Partitioner()(key, range(6), []) for key in (b"21", b"foobar", b"a-little-bit-long-string")}
    assert chosen == {b"21": (-973932308 & 0x7FFFFFFF) % 6, b"foobar": (-790332482 & 0x7FFFFFFF) % 6,
                      b"a-little-bit-long-string": (-985981536 & 0x7FFFFFFF) % 6}  # fmt: skip


def test_records_without_a_key_stay_together_for_a_while_and_reach_every_partition(clock: list[float]) -> None:
    choose, seen = Partitioner(), set()
    for _ in range(200):
        first = choose(None, range(4), [0, 1, 3])
        assert {choose(None, range(4), [0, 1, 3]) for _ in range(50)} == {first}
        seen.add(first)
        clock[0] += STICK_S
    assert seen == {0, 1, 3}


def test_a_partition_that_lost_its_leader_is_left_at_once(clock: list[float]) -> None:
    choose = Partitioner()
    first = choose(None, [0, 1], [0, 1])
    assert choose(None, [0, 1], [1 - first]) == 1 - first
    assert choose(None, [7], []) == 7
