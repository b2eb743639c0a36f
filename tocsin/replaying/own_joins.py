"""The partial matches of a replay: records of its own, so that what live deciding waits for is never touched."""

from eventbus.contract import StateChange
from eventbus.journal import Journal
from sensors.joins import PREFIX as JOIN

JOINED = "replay-joins/"


def joins_prefix(number: int) -> str:
    """Of the keys of a replay's own partial matches."""
    return f"{JOINED}{number:010d}/"


def own_join(number: int, change: StateChange) -> StateChange:
    """A change of a partial match, moved to the replay's own records: the live ones are not touched."""
    return StateChange(key=joins_prefix(number) + change.key.removeprefix(JOIN), value=change.value)


async def own_joins(journal: Journal, number: int) -> list[tuple[str, bytes]]:
    """The replay's own partial matches, under the keys that live ones have."""
    prefix = joins_prefix(number)
    return [(JOIN + key.removeprefix(prefix), value) for key, value in await journal.records(prefix)]
