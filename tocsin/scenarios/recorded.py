"""What a recorded event needs to happen again: itself, the events it was joined with, and everything that they fired."""

from collections import deque

from eventbus.event import Recorded
from eventbus.journal import FiringRecord, Journal
from tocsin.queries import QueryError, data_gone, find_event
from tocsin.story import show_firing
from tocsin.views import Json, event_view

MOST_EVENTS = 100
"""Events that one capture takes."""
OUTCOMES = "outcomes"
"""CloudEvents type of what the service tells of its own firings: it comes again by itself."""


async def recording(journal: Journal, name: str) -> Json:
    """The events (with data) and firings (with requests) of the event called `name`, oldest first. Raises `QueryError`.

    `given` is false for events that follow from the firings by themselves. Replays are left out.
    """
    return await _Recording(journal).of(await find_event(journal, name))


class _Recording:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._events: dict[int, tuple[Recorded, bool]] = {}
        self._firings: dict[str, FiringRecord] = {}
        self._waiting: deque[int] = deque()

    async def of(self, first: Recorded) -> Json:
        await self._take(first, given=True)
        while self._waiting:
            await self._follow(self._waiting.popleft())
        events = [
            event_view(recorded, data=True) | {"given": given and not self._follows(recorded)}
            for _, (recorded, given) in sorted(self._events.items())
        ]
        firings = sorted(self._firings.values(), key=_place)
        return {"events": events, "firings": [await show_firing(self._journal, one.firing.id) for one in firings]}

    def _follows(self, recorded: Recorded) -> bool:
        return recorded.event.type == OUTCOMES and recorded.event.causation in self._firings

    async def _take(self, recorded: Recorded, *, given: bool) -> None:
        if recorded.position in self._events:
            return
        if recorded.event.forgotten is not None:
            raise QueryError(f"the event {recorded.event.id!r} is needed, but {await data_gone(self._journal)}")
        if len(self._events) >= MOST_EVENTS:
            raise QueryError(f"more than {MOST_EVENTS} events hang together here; a capture takes no more")
        self._events[recorded.position] = recorded, given
        self._waiting.append(recorded.position)

    async def _follow(self, position: int) -> None:
        for record in await self._journal.firings_of(position):
            if record.firing.replay or record.firing.id in self._firings:
                continue
            self._firings[record.firing.id] = record
            for cause in record.firing.causes:
                found = await self._journal.known(cause.position)
                if found is None:
                    raise QueryError(f"the event {cause.identity.id!r}, which is needed too, is no longer kept")
                await self._take(found, given=True)
            for caused in await self._journal.caused_by(record.firing.id):
                if caused.event.type == OUTCOMES:
                    await self._take(caused, given=False)


def _place(record: FiringRecord) -> tuple[int, int, str]:
    """Firings in the order of the events that completed them."""
    return max(cause.position for cause in record.firing.causes), record.firing.decided_us, record.firing.id
