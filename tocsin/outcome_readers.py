"""Who reads how firings ended: several parts of the service, each with readers of its own."""

from collections.abc import Collection

from eventbus.contract import Outcomes


class OutcomeReaders:
    """Has outcomes kept for everybody who reads them, and for nobody else."""

    def __init__(self, outcomes: Outcomes, owners: Collection[str]) -> None:
        """Nothing is changed before each of `owners` has said what it wants: what is stored may be for one who is late."""
        self._outcomes = outcomes
        self._wanted: dict[str, frozenset[str] | None] = dict.fromkeys(owners)
        self._stored: frozenset[str] | None = None

    async def want(self, owner: str, readers: Collection[str]) -> None:
        """Make `readers` all that `owner` has. Durable on return, once all owners have been here."""
        self._wanted[owner] = frozenset(readers)
        wanted: set[str] = set()
        for some in self._wanted.values():
            if some is None:
                return
            wanted |= some
        if frozenset(wanted) != self._stored:
            await self._outcomes.keep_for(wanted)
            self._stored = frozenset(wanted)
