"""The newest entries of many lists of which each is in order already, read no further than needed."""

import asyncio
from bisect import insort
from collections.abc import Awaitable, Callable, Collection
from heapq import nlargest
from typing import TypeVar

TURN = 128
"""Lists asked before others get a turn."""
MOST_AT_ONCE = 64

Place = TypeVar("Place", int, tuple[int, int])
Read = Callable[[int, Place | None, int], Awaitable[list[Place]]]
"""`read(which, before, limit)`: the newest places of one list, newest first, before a place or from the end."""


async def newest_of(lists: Collection[int], read: Read[Place], limit: int) -> list[Place]:
    """The newest `limit` places of all `lists`, newest first."""
    heads: list[tuple[Place, int]] = []
    for number, which in enumerate(lists):
        heads += [(place, which) for place in await read(which, None, 1)]
        if number % TURN == TURN - 1:
            await asyncio.sleep(0)
    # A list whose newest entry is not among the newest has nothing to add.
    return await _merged(sorted(nlargest(limit, heads)), read, limit)


async def _merged(heads: list[tuple[Place, int]], read: Read[Place], limit: int) -> list[Place]:
    """`heads` are the newest entry of each list, oldest first."""
    found: list[Place] = []
    rest: dict[int, list[Place]] = {}
    sizes: dict[int, int] = {}
    while heads and len(found) < limit:
        place, which = heads.pop()
        found.append(place)
        if not rest.get(which):
            size = sizes[which] = min(4 * sizes.get(which, 1), MOST_AT_ONCE)
            rest[which] = (await read(which, place, size))[::-1]
        if rest[which]:
            insort(heads, (rest[which].pop(), which))
        if len(found) % TURN == 0:
            await asyncio.sleep(0)
    return found
