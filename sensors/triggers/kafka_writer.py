"""One producer, and the records that wait for it: those of one partition that wait at the same time travel in one batch.

The library gathers records by itself, at the price of a call, a look at the cluster and a deadline for each. Here that is
paid once for a batch, a record that nobody waits for any more is not sent, and a batch that the broker refuses is taken apart.
Why, and what else was thought of, is in `docs/decisions/0010-kafka-records-in-batches-of-our-own.md`.
"""

import asyncio
import contextlib
import copy
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from aiokafka import errors

from clients.kafka.connection import UnknownTopic, partitions_of
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.kafka_partitions import Partitioner
from sensors.triggers.kafka_record import Record, Unwritten
from sensors.triggers.pool import CLOSE_S

if TYPE_CHECKING:
    from aiokafka import AIOKafkaProducer
    from aiokafka.producer.message_accumulator import BatchBuilder

SEND_S = 10.0
"""Seconds until the brokers must have acknowledged a batch; the library by itself would try for ever."""
BATCH_BYTES = 64 * 1024
LARGEST_BYTES = 64 * 1024 * 1024
"""A record above this is not even offered to the broker, whose own limit is what counts below it."""

Judge = Callable[[Exception], Awaitable[TriggerUnavailable | TriggerRefused]]
"""What an error of the library means for whoever sends."""
Written = tuple[int, int]
"""Partition and offset."""

BEYOND_REPAIR = (
    errors.ProducerClosed,
    errors.ProducerFenced,
    errors.OutOfOrderSequenceNumber,
    errors.InvalidProducerEpoch,
    errors.UnknownProducerId,
)
"""A producer that says one of these can never send again, and has not written the batch: it is out of order after one that was
refused."""
OF_ALL = (
    errors.InvalidTopicError,
    errors.TopicAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
)
"""What the broker refuses to every record of a batch alike."""


class _Waiting(NamedTuple):
    record: Record
    written: "asyncio.Future[Written]"
    """Cancelled where nobody waits for it any more."""
    alone: bool


class Writer:
    """Writes records by one producer. Use from one event loop."""

    def __init__(self, producer: "AIOKafkaProducer", judge: Judge, *, linger_s: float = 0.0) -> None:
        """`producer` is started, and nobody else's. `linger_s` are seconds to wait for more records before a batch goes."""
        self._producer = producer
        self._judge = judge
        self._linger_s = linger_s
        self._loop = asyncio.get_running_loop()
        self._partitioner = Partitioner()
        self._lanes: dict[tuple[str, int], deque[_Waiting]] = {}
        """What waits behind the batch that is under way, by topic and partition."""
        self._flights: set[asyncio.Task[None]] = set()
        self._cut = False
        self.spent = False
        """Whether it writes nothing more."""

    async def write(self, record: Record, *, alone: bool = False) -> Written:
        """Where `record` was written, once the brokers have acknowledged it; `alone` keeps it out of a batch with others.

        Raises `Unwritten`, `TriggerUnavailable`, `TriggerRefused`. If cancelled, the record is not written where its batch has
        not gone; else nobody knows.
        """
        try:
            if len(record.value) > LARGEST_BYTES:
                raise errors.MessageSizeTooLargeError
            partition = self._partition(record)
            if partition is None:
                await partitions_of(self._producer.client, record.topic)
                partition = self._partition(record)
            if partition is None:
                raise UnknownTopic(f"there is no topic {record.topic!r}")
        except (UnknownTopic, errors.KafkaError, OSError) as exc:
            raise await self._judge(exc) from exc
        if self.spent:
            raise Unwritten
        written: asyncio.Future[Written] = self._loop.create_future()
        self._lane(record.topic, partition).append(_Waiting(record, written, alone))
        return await written

    async def close(self) -> None:
        """Send what waits, and stop."""
        if self._flights:
            await asyncio.wait(self._flights)
        await self._producer.stop()
        self.spent = self._cut = True

    async def cut_off(self, *, at_once: bool = False) -> None:
        """Stop without sending what waits; batches under way may still end, unless it is `at_once`. Twice does nothing more.

        The library's own `stop` would wait for what it could not get through, which would be sent whenever the broker is
        back; and each later attempt would add one more.
        """
        if self._cut:
            return
        self.spent = self._cut = True
        others = self._flights - {asyncio.current_task()}
        try:
            if others and not at_once:
                await asyncio.wait(others, timeout=CLOSE_S)
        finally:
            await self._give_up(others)

    async def _give_up(self, flights: Collection[asyncio.Task[None]]) -> None:
        for flight in flights:
            flight.cancel()
        if flights:
            await asyncio.wait(flights)
        for lane in self._lanes.values():  # a flight that is cancelled before it begins leaves its lane as it was
            _tell(lane, Unwritten())
        self._producer._closed = True  # noqa: SLF001 - there is no public way
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await self._producer._sender.close()  # noqa: SLF001 - see above
        finally:
            await self._producer.client.close()

    def _partition(self, record: Record) -> int | None:
        """Where `record` goes; None where the topic is not known yet. Raises `UnknownTopic` where it has no such partition."""
        topic, key, partition = record.topic, record.key, record.partition
        if key is None and partition is None and (kept := self._partitioner.kept(topic)) is not None:
            return kept
        cluster = self._producer.client.cluster
        partitions = cluster.partitions_for_topic(topic)
        if not partitions:
            return None
        if partition is None:
            available = list(cluster.available_partitions_for_topic(topic) or ())
            return self._partitioner.choose(topic, key, sorted(partitions), available)
        if partition not in partitions:
            raise UnknownTopic(f"topic {topic!r} has no partition {partition}, it has {len(partitions)}")
        return partition

    def _lane(self, topic: str, partition: int) -> deque[_Waiting]:
        """Where records wait for the next batch to a partition, which goes when this turn of the loop is over or later."""
        lane = self._lanes.get((topic, partition))
        if lane is None:
            lane = self._lanes[topic, partition] = deque()
            flight = self._loop.create_task(self._fly(topic, partition, lane), name=f"kafka-{topic}-{partition}")
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)
        return lane

    async def _fly(self, topic: str, partition: int, lane: deque[_Waiting]) -> None:
        """Send what waits in `lane`, one batch after the other, until nothing does."""
        try:
            while lane and not self.spent:
                if self._linger_s and sum(len(one.record.value) for one in lane) < BATCH_BYTES:
                    await asyncio.sleep(self._linger_s)
                flying: list[_Waiting] = []
                try:
                    await self._send(topic, partition, lane, flying)
                finally:
                    _tell(flying, TriggerUnavailable("its producer was given up; the record may be written"))
        finally:
            del self._lanes[topic, partition]
            _tell(lane, Unwritten())

    async def _send(self, topic: str, partition: int, lane: deque[_Waiting], flying: list[_Waiting]) -> None:
        """Send one batch of `lane`; those that are in it go over to `flying`."""
        try:
            batch = self._packed(lane, flying)
            if not flying:
                return
            async with asyncio.timeout(SEND_S):
                answer = await self._producer.send_batch(batch, topic, partition=partition)
                first = (await answer).offset
        except Exception as exc:  # whatever the library raises is what became of these records, and others go on
            _tell(flying, await self._judged(exc, together=len(flying) > 1))
            return
        for offset, one in enumerate(flying, first):
            if not one.written.done():
                one.written.set_result((partition, offset))

    def _packed(self, lane: deque[_Waiting], flying: list[_Waiting]) -> "BatchBuilder":
        """A batch of as many of `lane` as it holds, without those that nobody waits for any more."""
        batch = self._producer.create_batch()
        while lane and not (flying and (flying[0].alone or lane[0].alone)):
            one = lane.popleft()
            if one.written.done():
                continue
            flying.append(one)
            record = one.record
            if batch.append(timestamp=None, key=record.key, value=record.value, headers=record.headers) is None:
                lane.appendleft(flying.pop())
                break
        batch.close()
        return batch

    async def _judged(self, exc: Exception, *, together: bool) -> Exception:
        if isinstance(exc, BEYOND_REPAIR):
            self.spent = True
            return Unwritten()
        if isinstance(exc, TimeoutError):
            await self.cut_off(at_once=True)
        elif not isinstance(exc, errors.BrokerResponseError):
            self.spent = True
        elif together and not isinstance(exc, OF_ALL):
            return Unwritten(alone=True)
        return await self._judge(exc)


def _tell(told: Iterable[_Waiting], error: Exception) -> None:
    """Give those an error that have no answer yet, each its own: a traceback grows with everybody who raises it."""
    for one in told:
        if not one.written.done():
            one.written.set_exception(copy.copy(error))
