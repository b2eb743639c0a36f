"""Saying goodbye for a process that could not: a member that was killed holds its partitions until its session ends."""

import asyncio
from typing import TYPE_CHECKING

import structlog
from aiokafka.errors import KafkaError
from aiokafka.protocol.group import LeaveGroupRequest

from eventbus.errors import BusUnavailable
from sources.state import SourceState

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer

logger = structlog.get_logger()

_RECORD = "member"
LEAVE_S = 5.0
"""Seconds for the goodbye. Without it the group waits for the dead until their session ends, which is no harm but time."""


class Membership:
    """The member of a group that a source is, remembered across restarts.

    Not a static member (KIP-345): two processes on copies of one data folder would shut each other out for good, and a
    static leader that comes back is not told of partitions that were added meanwhile.
    """

    def __init__(self, state: SourceState, consumer: "AIOKafkaConsumer", group: str) -> None:
        self._state, self._group = state, group
        self._coordinator = consumer._coordinator  # noqa: SLF001 - the library has no public way to the member's id
        self._noted = ""

    async def bury(self) -> None:
        """Take the member that this source was before out of the group, where it is still in it. Call before joining."""
        record = await self._state.get(_RECORD)
        group, _, member = (record or b"").decode().partition("\n")
        if group != self._group or not member:
            return
        try:
            async with asyncio.timeout(LEAVE_S):
                await self._coordinator.ensure_coordinator_known()
                await self._coordinator._send_req(LeaveGroupRequest(group, member))  # noqa: SLF001 - see above
        except (KafkaError, TimeoutError) as exc:
            logger.debug("kafka_goodbye_not_said", group=group, reason=type(exc).__name__)

    async def note(self) -> None:
        """Remember who this is now. A log that takes nothing at the moment is asked again at the next call."""
        member = self._coordinator.member_id
        if not member or member == self._noted:
            return
        try:
            await self._state.put(_RECORD, f"{self._group}\n{member}".encode())
        except BusUnavailable as exc:
            logger.debug("kafka_member_not_noted", group=self._group, reason=str(exc))
        else:
            self._noted = member
