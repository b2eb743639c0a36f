"""What does not go well beside its neighbours: which part of which object, since when, why, and what to do about it.

Nothing here changes what runs: a bad neighbour is bounded where it works, and named here.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence

import structlog

from eventbus.errors import BusDamaged, BusError
from eventbus.journal import Journal
from manifests.objects import ObjectRef
from tocsin.trouble import Finder, Trouble, What
from tocsin.trouble_finders import Aside, of_events_set_aside

logger = structlog.get_logger()

MOST_ASIDE = 100
"""Events set aside that are looked at; the newest."""
LOOK_EVERY_S = 5.0
DAMAGED_HINT = "it is left out, the rest is served; check the disk, and restore the data folder from a backup to have it back"


class Troubles:
    """Asks everyone who knows of a trouble. Holds no state but the events set aside, read now and then."""

    name = "troubles"

    def __init__(self, finders: Sequence[Finder], journal: Journal) -> None:
        self._finders, self._journal = finders, journal
        self._aside: Sequence[Aside] = ()
        self.damaged: Sequence[str] = ()
        """What of the store is damaged, and so is not served."""
        self._said: dict[tuple[ObjectRef, str, What], Trouble] = {}
        self._stopping = asyncio.Event()
        self.ready = asyncio.Event()

    def now(self) -> dict[ObjectRef, list[Trouble]]:
        """What does not go well now, by object; what began first comes first."""
        now_us = time.time_ns() // 1000
        found: dict[ObjectRef, list[Trouble]] = {}
        of_finders = (trouble for finder in self._finders for trouble in finder(now_us))
        every = [*of_finders, *of_events_set_aside(self._aside, now_us)]
        for trouble in sorted(every, key=lambda trouble: trouble.since_us):
            found.setdefault(trouble.ref, []).append(trouble)
        return found

    def counts(self, refs: Iterable[ObjectRef]) -> dict[ObjectRef, int]:
        """How many each of `refs` has."""
        found = self.now()
        return {ref: len(found.get(ref, ())) for ref in refs}

    async def run(self) -> None:
        """Look every few seconds, and say what began and what is over, until `stop`."""
        await self.look()
        self.ready.set()
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._stopping.wait()
            except TimeoutError:
                await self.look()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    async def look(self) -> None:
        """Read what was set aside, and say what changed since the last look."""
        await self._read_aside()
        present = {(one.ref, one.part, one.what): one for some in self.now().values() for one in some}
        for key, trouble in present.items():
            if key not in self._said:
                logger.warning("trouble", **_fields(trouble), reason=trouble.reason, hint=trouble.hint)
        for key, trouble in self._said.items():
            if key not in present:
                lasted_s = round(time.time() - trouble.since_us / 1e6, 1)
                logger.info("trouble_over", **_fields(trouble), lasted_s=lasted_s)
        self._said = present

    async def _read_aside(self) -> None:
        """Read what was set aside, and what cannot be read any more. Without an answer of the store, what it gave last stands."""
        found: list[Aside] = []
        damaged: list[str] = []
        try:
            for position, reason in (await self._journal.quarantined())[-MOST_ASIDE:]:
                try:
                    recorded = await self._journal.known(position)
                except BusDamaged:
                    damaged.append(reason)
                    continue
                if recorded is not None:
                    found.append(Aside(recorded.event.road, recorded.event.id, recorded.received_us, reason))
        except BusError as exc:
            logger.warning("troubles_not_read", reason=str(exc))
            return
        for reason in damaged:
            if reason not in self.damaged:
                logger.error("store_damaged", reason=reason, hint=DAMAGED_HINT)
        self._aside, self.damaged = found, damaged


def _fields(trouble: Trouble) -> Mapping[str, str]:
    return {"object": str(trouble.ref), "part": trouble.part, "what": trouble.what}
