"""Batches of records, with a producer whose broker is the test."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka import errors
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import RecordMetadata, TopicPartition

from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers import kafka_writer
from sensors.triggers.kafka_producers import Producers
from sensors.triggers.kafka_record import Record, Unwritten
from sensors.triggers.kafka_writer import BATCH_BYTES, LARGEST_BYTES, Writer


class Cluster:
    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0, 1}

    def available_partitions_for_topic(self, topic: str) -> set[int]:
        return {0, 1}


class Client:
    cluster = Cluster()
    closed = False

    async def close(self) -> None:
        self.closed = True


class Sender:
    async def close(self) -> None:
        pass


class Sent:
    """A batch that the broker has not answered yet."""

    def __init__(self, batch: BatchBuilder, partition: int) -> None:
        self.partition = partition
        self.answer: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        self.values = [record.value.decode() for record in MemoryRecords(bytes(batch._build())).next_batch()]

    def taken(self, offset: int) -> None:
        at = TopicPartition("t", self.partition)
        self.answer.set_result(RecordMetadata("t", self.partition, at, offset, 0, 0, 0))


class Producer:
    def __init__(self) -> None:
        self.client, self._sender, self._closed, self.stopped = Client(), Sender(), False, False
        self.sent: list[Sent] = []

    def create_batch(self) -> BatchBuilder:
        return BatchBuilder(BATCH_BYTES, 0)

    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> "asyncio.Future[RecordMetadata]":
        self.sent.append(Sent(batch, partition))
        return self.sent[-1].answer

    async def stop(self) -> None:
        self.stopped = True


class Rig:
    def __init__(self) -> None:
        self.producer = Producer()
        self.writer = self.again()

    def again(self, **options: Any) -> Writer:
        return Writer(self.producer, judge, **options)  # type: ignore[arg-type]

    def write(self, *values: str, partition: int = 0, **how: bool) -> list["asyncio.Task[tuple[int, int]]"]:
        records = [Record("t", partition, None, value.encode(), []) for value in values]
        return [asyncio.create_task(self.writer.write(record, **how)) for record in records]

    async def until(self, fact: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not fact():
                await asyncio.sleep(0)

    async def batches(self, count: int) -> list[list[str]]:
        await self.until(lambda: len(self.producer.sent) >= count)
        return [sent.values for sent in self.producer.sent]


async def judge(exc: Exception) -> TriggerUnavailable | TriggerRefused:
    said = type(exc).__name__
    return TriggerRefused(said) if isinstance(exc, errors.MessageSizeTooLargeError) else TriggerUnavailable(said)


@pytest.fixture
async def rig() -> Rig:
    return Rig()


async def outcomes(writes: list["asyncio.Task[tuple[int, int]]"]) -> list[object]:
    answers = await asyncio.gather(*writes, return_exceptions=True)
    return [f"{type(one).__name__} {one}".strip() if isinstance(one, BaseException) else one for one in answers]


async def test_what_comes_in_one_turn_or_while_a_batch_is_under_way_travels_together(rig: Rig) -> None:
    first = rig.write("a", "b")
    assert await rig.batches(1) == [["a", "b"]]
    second = rig.write("c")
    await asyncio.sleep(0)
    second += rig.write("d", "e")
    await asyncio.sleep(0)
    assert len(rig.producer.sent) == 1
    rig.producer.sent[0].taken(7)
    assert await rig.batches(2) == [["a", "b"], ["c", "d", "e"]]
    rig.producer.sent[1].taken(9)
    assert await outcomes(first + second) == [(0, 7), (0, 8), (0, 9), (0, 10), (0, 11)]


async def test_partitions_do_not_wait_for_each_other(rig: Rig) -> None:
    writes = rig.write("a") + rig.write("b", partition=1)
    assert await rig.batches(2) == [["a"], ["b"]]
    rig.producer.sent[1].taken(3)
    assert await writes[1] == (1, 3)
    rig.producer.sent[0].taken(1)
    assert await writes[0] == (0, 1)


async def test_a_batch_holds_so_many_bytes_and_a_larger_record_goes_by_itself(rig: Rig) -> None:
    writes = rig.write("a" * (BATCH_BYTES - 1000), "b" * 2000, "c" * (2 * BATCH_BYTES), "d")
    for n in range(4):
        await rig.batches(n + 1)
        rig.producer.sent[n].taken(n)
    assert [[value[0] for value in sent.values] for sent in rig.producer.sent] == [["a"], ["b"], ["c"], ["d"]]
    assert await outcomes(writes) == [(0, 0), (0, 1), (0, 2), (0, 3)]


async def test_what_nobody_waits_for_any_more_is_not_sent(rig: Rig) -> None:
    (flying,) = rig.write("a")
    await rig.batches(1)
    given_up, kept = rig.write("b", "c")
    await asyncio.sleep(0)
    given_up.cancel()
    flying.cancel()
    rig.producer.sent[0].taken(0)
    assert await rig.batches(2) == [["a"], ["c"]]
    rig.producer.sent[1].taken(1)
    assert await kept == (0, 1)
    assert flying.cancelled()


async def test_a_refused_batch_is_taken_apart_and_a_record_that_is_refused_alone_is_refused(rig: Rig) -> None:
    writes = rig.write("a", "b")
    await rig.batches(1)
    rig.producer.sent[0].answer.set_exception(errors.MessageSizeTooLargeError())
    answers = await asyncio.gather(*writes, return_exceptions=True)
    assert [isinstance(one, Unwritten) and one.alone for one in answers] == [True, True]
    writes = rig.write("a", "b", alone=True) + rig.write("c", "d")
    assert (await rig.batches(2))[1:] == [["a"]]
    rig.producer.sent[1].answer.set_exception(errors.MessageSizeTooLargeError())
    assert (await rig.batches(3))[2:] == [["b"]]
    rig.producer.sent[2].taken(5)
    assert (await rig.batches(4))[3:] == [["c", "d"]]
    rig.producer.sent[3].taken(6)
    assert await outcomes(writes) == ["TriggerRefused MessageSizeTooLargeError", (0, 5), (0, 6), (0, 7)]
    assert not rig.writer.spent


async def test_what_the_broker_refuses_to_all_is_not_asked_for_each(rig: Rig) -> None:
    writes = rig.write("a", "b")
    await rig.batches(1)
    rig.producer.sent[0].answer.set_exception(errors.TopicAuthorizationFailedError())
    assert await outcomes(writes) == ["TriggerUnavailable TopicAuthorizationFailedError"] * 2


async def test_a_producer_that_is_out_of_order_has_written_nothing_and_writes_nothing_more(rig: Rig) -> None:
    writes = rig.write("a")
    await rig.batches(1)
    writes += rig.write("b")
    elsewhere = rig.write("c", partition=1)
    await rig.batches(2)
    rig.producer.sent[0].answer.set_exception(errors.OutOfOrderSequenceNumber())
    assert await outcomes(writes) == ["Unwritten", "Unwritten"]
    assert rig.writer.spent
    assert await outcomes(rig.write("d")) == ["Unwritten"]
    end = asyncio.create_task(rig.writer.cut_off())
    await asyncio.sleep(0)
    rig.producer.sent[1].taken(4)
    assert await outcomes(elsewhere) == [(1, 4)], "what was under way elsewhere ends"
    await end
    assert rig.producer.client.closed


async def test_a_producer_that_gets_no_answer_in_time_is_cut_off_with_all_that_it_holds(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = rig.write("d", partition=1)
    await rig.batches(1)
    monkeypatch.setattr(kafka_writer, "SEND_S", 0.01)
    flying = rig.write("a", "b")
    await rig.batches(2)
    waiting = rig.write("c")
    assert await outcomes(flying) == ["TriggerUnavailable TimeoutError"] * 2
    assert await outcomes(waiting) == ["Unwritten"]
    assert await outcomes(elsewhere) == ["TriggerUnavailable its producer was given up; the record may be written"]
    assert rig.writer.spent
    assert rig.producer.client.closed
    await rig.writer.cut_off()


async def test_what_has_not_begun_when_a_producer_is_cut_off_is_for_another_one(rig: Rig) -> None:
    writes = rig.write("a")
    await asyncio.sleep(0)
    await rig.writer.cut_off(at_once=True)
    assert await outcomes(writes) == ["Unwritten"]
    assert not rig.producer.sent


async def test_a_producer_is_let_go_of_though_nobody_waits_for_that(rig: Rig) -> None:
    writes = rig.write("a")
    await rig.batches(1)
    end = asyncio.create_task(rig.writer.cut_off())
    await asyncio.sleep(0)
    end.cancel()
    with pytest.raises(asyncio.CancelledError):
        await end
    assert await outcomes(writes) == ["TriggerUnavailable its producer was given up; the record may be written"]
    assert rig.producer.client.closed


async def test_a_fault_of_the_library_ends_the_producer(rig: Rig) -> None:
    writes = rig.write("a", "b")
    await rig.batches(1)
    rig.producer.sent[0].answer.set_exception(errors.KafkaError("Unexpected error during batch delivery"))
    assert await outcomes(writes) == ["TriggerUnavailable KafkaError"] * 2
    assert rig.writer.spent


async def test_more_records_are_waited_for_where_that_is_wanted(rig: Rig) -> None:
    rig.writer = rig.again(linger_s=0.2)
    writes = rig.write("a")
    for _ in range(3):
        await asyncio.sleep(0)
    writes += rig.write("b")
    assert await rig.batches(1) == [["a", "b"]]
    rig.producer.sent[0].taken(0)
    assert await outcomes(writes) == [(0, 0), (0, 1)]


async def test_closing_sends_what_waits(rig: Rig) -> None:
    writes = rig.write("a")
    await rig.batches(1)
    end = asyncio.create_task(rig.writer.close())
    rig.producer.sent[0].taken(0)
    await end
    assert await outcomes(writes) == [(0, 0)]
    assert rig.producer.stopped


async def test_closing_gives_up_what_does_not_get_through_in_time(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sensors.triggers.kafka_producers.CLOSE_S", 0.01)
    writes = rig.write("a")
    await rig.batches(1)
    await Producers().close(rig.writer)
    assert await outcomes(writes) == ["TriggerUnavailable its producer was given up; the record may be written"]
    assert rig.producer.client.closed
    assert not rig.producer.stopped


async def test_a_record_that_no_broker_can_take_is_not_offered(rig: Rig) -> None:
    assert await outcomes(rig.write("x" * (LARGEST_BYTES + 1))) == ["TriggerRefused MessageSizeTooLargeError"]
    assert not rig.producer.sent
