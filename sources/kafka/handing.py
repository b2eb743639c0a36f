"""From records to durable events: what can never be one is passed over, and what cannot be one now is waited for."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import structlog
from aiokafka import ConsumerRecord, TopicPartition

from clients.kafka.connection import RegistryUnavailable
from eventbus.errors import BusUnavailable, EventRejected
from eventbus.event import Event
from sources.kafka.records import Unreadable
from sources.source import Emit, SourceContext
from sources.throttle import Throttle

logger = structlog.get_logger()

Record: TypeAlias = "ConsumerRecord[bytes, bytes]"
Records: TypeAlias = "Mapping[TopicPartition, Sequence[Record]]"

LONGEST_WAIT_S = 10.0
"""Between two tries to hand records to a log that does not take them."""


class Handing:
    """Hands the records of one session to the log."""

    def __init__(
        self,
        event_of: Callable[[Record], Event],
        emit: Emit,
        *,
        prepare: Callable[[Iterable[bytes | None]], Awaitable[None]],
        context: SourceContext,
        stopping: asyncio.Event,
    ) -> None:
        """`prepare` fetches what `event_of` needs for records of such values."""
        self._event_of, self._emit, self._prepare = event_of, emit, prepare
        self._tell, self._stopping = context.tell, stopping
        self._log = logger.bind(source=str(context.road))
        self._said = Throttle(every_s=10.0)

    async def over(self, records: Records, *, ours: Callable[[], bool]) -> bool:
        """Return when each of `records` is durable or has been said to be unusable; False where a stop came before, or where they
        are not `ours` any more: then they are read again.
        """
        if not await self._prepared(records) or not ours():
            return False
        events: list[Event] = []
        for record in (record for batch in records.values() for record in batch):
            try:
                events.append(self._event_of(record))
            except Unreadable as exc:
                self._pass_over(record.topic, record.partition, record.offset, str(exc))
        return await self._hand_over(events) and ours()

    async def _prepared(self, records: Records) -> bool:
        """Return when all of `records` can be read; False where a stop came before, and then they are read again."""
        wait_s, reason = 0.5, ""
        while True:
            try:
                await self._prepare(record.value for batch in records.values() for record in batch)
            except RegistryUnavailable as exc:
                reason = str(exc)
                self._tell(reason)
                await self._pause(wait_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
                if self._stopping.is_set():
                    return False
            else:
                if reason:
                    self._tell("")
                return True

    async def _hand_over(self, events: Sequence[Event]) -> bool:
        """See `over`."""
        wait_s = 0.1
        while events:
            try:
                await self._emit.batch(events)
            except EventRejected as exc:
                return await self._find_rejected(events, str(exc))
            except BusUnavailable as exc:
                if self._said.admits("log") is not None:
                    self._log.warning("records_wait_for_the_log", records=len(events), reason=str(exc))
                await self._pause(max(wait_s, exc.retry_after_s))
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
                if self._stopping.is_set():
                    return False
            else:
                return True
        return True

    async def _find_rejected(self, events: Sequence[Event], reason: str) -> bool:
        """Halves find the one that is rejected soon, and the rest stay batches."""
        if len(events) == 1:
            self._pass_over_event(events[0], reason)
            return True
        middle = len(events) // 2
        return await self._hand_over(events[:middle]) and await self._hand_over(events[middle:])

    def _pass_over_event(self, event: Event, reason: str) -> None:
        *_, topic, partition, offset = event.id.rsplit(":", 3)
        self._pass_over(topic, int(partition), int(offset), reason)

    def _pass_over(self, topic: str, partition: int, offset: int, reason: str) -> None:
        self._emit.unusable()
        if (unsaid := self._said.admits("record")) is not None:
            self._log.error(
                "record_passed_over", topic=topic, partition=partition, offset=offset, reason=reason, others_since=unsaid or None
            )

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
