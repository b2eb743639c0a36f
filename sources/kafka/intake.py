"""From a consumer's records to durable events, and only then to committed offsets."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from time import monotonic

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import CommitFailedError, IllegalStateError

from sources.kafka.handing import Handing, Records
from sources.kafka.pace import Pace
from sources.kafka.starts import Starts
from sources.kafka.topic import Topic
from sources.source import SourceContext

logger = structlog.get_logger()

MOST_RECORDS = 512
"""Records that are made durable together."""
WAIT_S = 0.5
"""Seconds to wait for records before looking around."""
COMMIT_S = 1.0
"""Seconds between two commits unless set: what a crash reads again, and the log knows again by its identity."""
REVOKE_S = 5.0
"""Seconds that a rebalance waits for what is in flight; what was not committed by then is read again by its next owner."""
COMMIT_WAIT_S = 5.0
"""Seconds for one commit; the library would try for ever."""
LOOK_S = 5.0
"""Between two looks whether the cluster still answers, while nothing comes in."""


class Intake(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """Reads the partitions that a consumer is given. One batch is in flight at a time: a slow log slows the reading down."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        handing: Handing,
        *,
        topic: Topic,
        look: Callable[[], Awaitable[None]],
        joined: Callable[[], Awaitable[None]],
        context: SourceContext,
        oldest: bool,
        commit_s: float,
        pace: Pace[TopicPartition],
        stopping: asyncio.Event,
    ) -> None:
        """`look` finds out, and tells, whether the cluster answers, `joined` is called when partitions are ours to read."""
        self._consumer, self._handing, self._pace, self._commit_s = consumer, handing, pace, commit_s
        self._starts = Starts(consumer, topic, oldest=oldest, source=str(context.road))
        self._topic = topic
        self._look, self._joined, self._tell, self._stopping = look, joined, context.tell, stopping
        self._log = logger.bind(source=str(context.road))
        self._durable: dict[TopicPartition, int] = {}
        """The next offset of each partition: everything before it is durable."""
        self._committed: dict[TopicPartition, int] = {}
        self._committed_at = 0.0
        self._looked_at = self._compared_at = monotonic()
        self._given = asyncio.Event()
        """Set where partitions were given that nobody has looked at."""
        self._fresh: set[TopicPartition] = set()
        """Partitions whose start is not known yet; they are paused until it is."""
        self._generation = 0
        """Counts revocations: what was read before one is not ours to acknowledge after it."""
        self._in_flight = asyncio.Lock()

    async def run(self) -> None:
        """Read until told to stop; then commit. Raises errors of the library that it does not recover from by itself."""
        while not self._stopping.is_set():
            await self._settle_starts()
            await self._compare()
            generation = self._generation
            records = await self._next()
            await self._note_life(bool(records))
            async with self._in_flight:
                if records and generation == self._generation:
                    await self._take(records, generation)
            if monotonic() - self._committed_at >= self._commit_s:
                await self._commit()
        await self._commit()

    async def _compare(self, *, now: bool = False) -> bool:
        """Whether the topic is still the one that is read; asked for every `LOOK_S`, or `now`. Where it is not, the session ends:
        the next one begins with the new topic.
        """
        if not now and monotonic() - self._compared_at < LOOK_S:
            return True
        self._compared_at = monotonic()
        if same := await self._topic.is_same():
            return same
        self._durable.clear()
        self._stopping.set()
        return False

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        """Take over `partitions`: each is read from where it was left."""
        found = set(partitions)
        self._consumer.pause(*found)
        self._fresh |= found
        self._given.set()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Called by the consumer when a rebalance has ended."""
        self.assign(assigned)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Called by the consumer when one begins: what is in flight becomes durable and is committed, as far as time allows."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REVOKE_S), self._in_flight:
                await self._commit()
        self._generation += 1
        self._pace.forget(revoked)
        self._durable.clear()
        self._committed.clear()
        self._fresh.clear()

    async def _note_life(self, came: bool) -> None:
        """Records that come say that all is well; where none come, it is asked for, because the library bears it in silence."""
        if came:
            self._tell("")
        elif monotonic() - self._looked_at < LOOK_S:
            return
        else:
            await self._look()
        self._looked_at = monotonic()

    async def _next(self) -> Records:
        """What there is to read, after waiting a little where there is nothing."""
        partitions = self._consumer.assignment()
        if not partitions:
            await self._until_given()
            return {}
        ready = self._pace.ready(partitions)
        wait_s = self._pace.wait_s(partitions, WAIT_S)
        if partitions and not ready:
            await self._pause(wait_s)
            return {}
        most = self._pace.share(MOST_RECORDS)
        found: Records = await self._consumer.getmany(*ready, timeout_ms=int(1000 * wait_s) + 1, max_records=most)
        return found

    async def _until_given(self) -> None:
        """Return when there are partitions to read; after `WAIT_S` in any case."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                await self._given.wait()
        self._given.clear()

    async def _take(self, records: Records, generation: int) -> None:
        if not await self._go_on(records):
            return
        if not await self._handing.over(records, ours=lambda: generation == self._generation):
            return
        for partition, batch in records.items():
            self._durable[partition] = batch[-1].offset + 1
            self._topic.reached(partition, batch[-1].offset + 1)
            self._pace.took(partition, len(batch))

    async def _go_on(self, records: Records) -> bool:
        """Whether `records` follow those of before. Where offsets went back the topic was made again, or lost its end."""
        back = {at: batch[0].offset for at, batch in records.items() if batch[0].offset < self._durable.get(at, 0)}
        if back and not await self._compare(now=True):
            return False
        for at, offset in back.items():
            self._topic.went_back(at, position=self._durable[at], to=offset)
        return True

    async def _settle_starts(self) -> None:
        """Find where fresh partitions start, and note a start that nobody noted before: a crash must not move it."""
        fresh, generation = self._starts.possible(self._fresh), self._generation
        if len(fresh) < len(self._fresh) and monotonic() - self._looked_at >= LOOK_S:
            await self._look()  # the library asks who leads only the partitions that are read
            self._looked_at = monotonic()
        if not fresh or not await self._compare(now=True):
            return
        try:
            starts, positions = await self._starts.of(fresh)
        except IllegalStateError:
            return  # they are not ours any more, or are being given to us again
        if generation != self._generation:
            return
        self._fresh -= starts.keys()
        self._durable |= starts
        self._committed |= positions
        if len(positions) < len(starts):
            self._committed_at = 0.0
        self._consumer.resume(*starts)
        await self._joined()

    async def _commit(self) -> None:
        """Commit what is durable. What cannot be committed now is committed later, or read again."""
        self._committed_at = monotonic()
        ours = self._consumer.assignment()
        owed = {at: offset for at, offset in self._durable.items() if at in ours and self._committed.get(at) != offset}
        if not owed:
            return
        try:
            async with asyncio.timeout(COMMIT_WAIT_S):
                await self._consumer.commit({at: (offset, self._topic.label) for at, offset in owed.items()})
        except (CommitFailedError, IllegalStateError) as exc:
            self._log.debug("commit_refused", reason=type(exc).__name__)  # a rebalance came first
        except TimeoutError:
            await self._look()
        else:
            self._committed |= owed

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
