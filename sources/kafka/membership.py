"""Saying goodbye for a process that could not: a member that was killed holds its partitions until its session ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka.client import ConnectionGroup
from aiokafka.errors import KafkaError, NoError, UnknownMemberIdError, for_code
from aiokafka.protocol.group import JoinGroupRequest, LeaveGroupRequest

from eventbus.errors import BusUnavailable
from sources.state import SourceState

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer

logger = structlog.get_logger()

_RECORD = "member"
_MOST_DEAD = 16
"""Members that are remembered until the group knows that they are gone."""
_TELLS_ID_FIRST = 5
"""Version of the request to join from which a broker gives an id first and lets in only who comes back with it (KIP-394)."""
PREPARE_S = 5.0
"""Seconds for what is done before joining. Without it the group waits for the dead until their session ends, no harm but time."""


class Membership:
    """The member of a group that a source is, remembered across restarts.

    The id is noted before the broker counts it as a member, so that a process that is killed while it waits to be let in is taken
    out by the next one, too; else each would wait for the one before, and be killed in its turn.

    Not a static member (KIP-345): two processes on copies of one data folder would shut each other out for good, and a
    static leader that comes back is not told of partitions that were added meanwhile. And not the same member again: those two
    processes would both read what is given to one.
    """

    def __init__(self, state: SourceState, consumer: "AIOKafkaConsumer", group: str) -> None:
        self._state, self._group = state, group
        self._coordinator = consumer._coordinator  # noqa: SLF001 - the library has no public way to the member's id
        self._client = consumer._client  # noqa: SLF001 - see above
        self._dead: list[str] = []
        self._noted = ""

    async def attend(self) -> None:
        """Be there whenever the consumer joins. Call before it does for the first time."""
        record = (await self._state.get(_RECORD) or b"").decode()
        group, *members = record.split("\n")
        self._dead = [member for member in members if member] if group == self._group else []
        send = self._coordinator._send_req  # noqa: SLF001 - there is no other moment between the id and the joining
        self._coordinator._send_req = lambda request: self._send(send, request)  # noqa: SLF001 - see above

    async def note(self) -> None:
        """Remember who this is now. A log that takes nothing at the moment is asked again at the next call."""
        member = self._coordinator.member_id
        if not member or member == self._noted:
            return
        remembered = [member, *(dead for dead in self._dead if dead != member)][:_MOST_DEAD]
        try:
            await self._state.put(_RECORD, "\n".join([self._group, *remembered]).encode())
        except BusUnavailable as exc:
            logger.debug("kafka_member_not_noted", group=self._group, reason=str(exc))
        else:
            self._noted = member

    async def _send(self, send: Callable[[Any], Awaitable[Any]], request: Any) -> Any:
        if isinstance(request, JoinGroupRequest):
            try:
                async with asyncio.timeout(PREPARE_S):
                    await self._before_joining(send, request)
            except (KafkaError, TimeoutError) as exc:
                logger.debug("kafka_joins_unprepared", group=self._group, reason=type(exc).__name__)
        return await send(request)

    async def _before_joining(self, send: Callable[[Any], Awaitable[Any]], request: JoinGroupRequest) -> None:
        """The goodbye comes when the group expects someone new: one that became empty would first wait for more members."""
        if self._coordinator.member_id or not await self._is_told_first(request):
            await self._bury(send)
            await self.note()

    async def _bury(self, send: Callable[[Any], Awaitable[Any]]) -> None:
        """Take those that this source was before out of the group, where they are still in it."""
        for member in [dead for dead in self._dead if dead != self._coordinator.member_id]:
            answer = await send(LeaveGroupRequest(self._group, member))
            if for_code(answer.error_code) in (NoError, UnknownMemberIdError):
                self._dead.remove(member)

    async def _is_told_first(self, request: JoinGroupRequest) -> bool:
        """Whether the broker answers a first `request` with an id, and lets in nobody yet."""
        node = self._coordinator.coordinator_id
        if node is None or not await self._client.ready(node, group=ConnectionGroup.COORDINATION):
            return True  # then the request itself fails
        connection = self._client._conns[node, ConnectionGroup.COORDINATION]  # noqa: SLF001 - the versions are nowhere else
        return int(request.prepare(connection._versions).API_VERSION) >= _TELLS_ID_FIRST  # noqa: SLF001 - see above
