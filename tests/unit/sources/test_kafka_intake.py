"""What a reader of partitions takes for durable."""

import asyncio
from collections.abc import Callable
from typing import Any
from unittest.mock import AsyncMock, MagicMock

from aiokafka import ConsumerRecord, TopicPartition
from http_rig import KnownValues

from eventbus.event import Road
from manifests.objects import Dialect
from sources.kafka.intake import Intake
from sources.kafka.pace import Pace
from sources.kafka.topic import Topic
from sources.source import SourceContext
from sources.state import SourceState

PARTITION = TopicPartition("orders", 0)


class Slow:
    """A log that takes a batch when it is let."""

    def __init__(self) -> None:
        self.taking, self.let = asyncio.Event(), asyncio.Event()

    async def over(self, records: Any, *, ours: Callable[[], bool]) -> bool:
        self.taking.set()
        await self.let.wait()
        return ours()


def intake(handing: Slow, consumer: Any) -> Intake:
    context = SourceContext(road=Road("default", "src", "records"), dialect=Dialect.ARGO, values=KnownValues())
    return Intake(
        consumer,
        handing,  # type: ignore[arg-type]
        topic=Topic("orders", state=SourceState(), source="src", degraded=lambda reason: None),
        look=AsyncMock(),
        joined=AsyncMock(),
        context=context,
        oldest=True,
        commit_s=1.0,
        pace=Pace(0),
        stopping=asyncio.Event(),
    )


def batch(*offsets: int) -> dict[TopicPartition, list[Any]]:
    return {PARTITION: [ConsumerRecord("orders", 0, offset, 0, 0, None, b"1", None, 0, 1, ()) for offset in offsets]}


async def test_records_that_were_read_before_a_rebalance_move_no_position_after_it() -> None:
    handing, consumer = Slow(), MagicMock()
    consumer.assignment.return_value, consumer.commit = {PARTITION}, AsyncMock()
    reader = intake(handing, consumer)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(reader._take(batch(10, 11), reader._generation))
        await handing.taking.wait()
        # Another member had the partition meanwhile, and may have gone on: a position of before would be put back.
        await reader.on_partitions_revoked({PARTITION})
        reader.on_partitions_assigned({PARTITION})
        handing.let.set()
    await reader._commit()
    consumer.commit.assert_not_awaited()


async def test_records_that_are_durable_move_the_position_behind_them() -> None:
    handing, consumer = Slow(), MagicMock()
    consumer.assignment.return_value, consumer.commit = {PARTITION}, AsyncMock()
    handing.let.set()
    reader = intake(handing, consumer)
    await reader._take(batch(10, 11), reader._generation)
    await reader._commit()
    await reader._commit()
    consumer.commit.assert_awaited_once_with({PARTITION: (12, "")})
