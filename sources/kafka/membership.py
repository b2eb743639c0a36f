"""Saying goodbye for a process that could not: a member that was killed holds its partitions until its session ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka.client import ConnectionGroup
from aiokafka.errors import KafkaError, NoError, for_code
from aiokafka.protocol.group import JoinGroupRequest, LeaveGroupRequest

from eventbus.errors import BusUnavailable
from sources.state import SourceState

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer

logger = structlog.get_logger()

_RECORD = "member"
_MOST_DEAD = 16
"""Members that are remembered until the group knows that they are gone."""
KEPT_WAITING_S = 0.2
"""Seconds without an answer after which the group is taken to wait for those that this source was before."""
GOODBYE_S = 5.0
"""Seconds for one goodbye. Without it the group waits for the dead until their session ends, which is no harm but time."""


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
        if not isinstance(request, JoinGroupRequest):
            return await send(request)
        await self.note()
        failure: KafkaError | None = None
        async with asyncio.TaskGroup() as tasks:
            burying = tasks.create_task(self._bury_if_kept_waiting(), name="kafka-goodbye")
            try:
                answer = await send(request)
            except KafkaError as exc:
                failure = exc
            burying.cancel()
        if failure is not None:
            raise failure
        if for_code(answer.error_code) is NoError and self._dead:
            self._dead, self._noted = [], ""  # whoever is in the group now was asked
        return answer

    async def _bury_if_kept_waiting(self) -> None:
        """Take those that this source was before out of the group.

        Not before it waits for them: a group that became empty would wait for more members, three seconds where nobody set it
        otherwise, before it lets in the first.
        """
        dead = [member for member in self._dead if member != self._coordinator.member_id]
        if not dead:
            return
        await asyncio.sleep(KEPT_WAITING_S)
        for member in dead:
            try:
                async with asyncio.timeout(GOODBYE_S):
                    # Not over the connection of the request to join: a broker answers one request of each after another.
                    node = self._coordinator.coordinator_id
                    if node is not None:
                        await self._client.send(node, LeaveGroupRequest(self._group, member), group=ConnectionGroup.DEFAULT)
            except (KafkaError, TimeoutError) as exc:
                logger.debug("kafka_goodbye_not_said", group=self._group, reason=type(exc).__name__)
