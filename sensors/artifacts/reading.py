"""Reading an object's text when a trigger acts."""

from collections.abc import Callable
from typing import Any, Protocol

from sensors.triggers.trigger import TriggerContext


class Place(Protocol):
    """One place, as a manifest declares it."""

    what: str
    """Names it in errors."""

    def show(self) -> dict[str, Any]:
        """What to print of it; secrets are left out."""

    async def read(self) -> bytes:
        """The text, within limits. Raises `TriggerUnavailable` or `TriggerRefused`."""


_PLACES: dict[str, Callable[[Any, TriggerContext], Place]] = {}


class Reader:
    """Reads from where a declaration says."""

    def __init__(self, where: str, declared: Any, context: TriggerContext) -> None:
        """Raises `ValueError` naming the field that cannot work."""
        make = _PLACES.get(where)
        if make is None:
            raise ValueError(f"source.{where} is not supported by this version")
        self._where = where
        self._place = make(declared, context)

    @property
    def what(self) -> str:
        """Names the place in errors."""
        return self._place.what

    def show(self) -> dict[str, Any]:
        """What to print of the place."""
        return {self._where: self._place.show()}

    async def read(self) -> bytes:
        """The text. Raises `TriggerUnavailable` or `TriggerRefused`."""
        return await self._place.read()
