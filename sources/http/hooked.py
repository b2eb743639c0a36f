"""What kinds share that register hooks at a provider."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any

from sources.http.hooks import HookKeeper, Hooks
from sources.http.provider_api import HookProblem
from sources.http.source import HttpSource
from sources.source import Emit, Source, SourceContext, SpecT


class HookedSource(HttpSource[SpecT]):
    """An endpoint that a provider is told of: while it runs it keeps its hooks, where `keeps_hooks` says so."""

    def __init__(self, spec: SpecT, context: SourceContext) -> None:
        super().__init__(spec, context)
        self._keeper = HookKeeper(self.hooks, context)

    @property
    @abstractmethod
    def deletes_hooks(self) -> bool:
        """Whether hooks are deleted when the declaration goes."""

    @abstractmethod
    def hooks(self) -> Hooks:
        """The hooks that are wanted. Raises `HookProblem` where a credential is missing."""

    async def run(self, emit: Emit) -> None:
        """Keep the hooks until cancelled."""
        await self._keeper.run()

    @property
    def leaves_something(self) -> bool:
        """Whether there are hooks that go with the declaration."""
        return self.keeps_hooks and self.deletes_hooks

    async def withdrawn(self, others: Iterable[Source[Any]]) -> None:
        """Delete the hooks where that is wanted, but for those that another source keeps: an event that was renamed goes on with
        the same hook. Raises `HookProblem` where some are left.
        """
        if self.leaves_something:
            await self._keeper.delete(list(_wanted(others)))


def _wanted(sources: Iterable[Source[Any]]) -> Iterable[Hooks]:
    for source in sources:
        if isinstance(source, HookedSource) and source.keeps_hooks:
            try:
                yield source.hooks()
            except HookProblem:
                continue  # it says so itself, and registers again what is missing once it can
