"""What all triggers of a service share, such as connections to a cluster."""

from contextlib import AsyncExitStack
from typing import Any, Protocol, TypeVar


class Closable(Protocol):
    """Something that holds connections."""

    async def aclose(self) -> None:
        """Let go of them."""


ClosableT = TypeVar("ClosableT", bound=Closable)


class Shared:
    """One object of each class, made when it is first asked for, closed at the end."""

    def __init__(self) -> None:
        self._made: dict[type[Any], Any] = {}

    def put(self, made: Closable) -> None:
        """Make `made` the one object of its class: what the service's configuration says is in it."""
        self._made[type(made)] = made

    def get(self, kind: type[ClosableT]) -> ClosableT:
        """The one object of `kind`."""
        made = self._made.get(kind)
        if made is None:
            made = self._made[kind] = kind()
        found: ClosableT = made
        return found

    async def aclose(self) -> None:
        """Close what was made, the newest first; all of it, also where one raises."""
        made, self._made = list(self._made.values()), {}
        async with AsyncExitStack() as stack:
            for one in made:
                stack.push_async_callback(one.aclose)
