"""What every place of an object has in common."""

from typing import Any, Protocol


class Place(Protocol):
    """One place, as a manifest declares it. Making one raises `ValueError` naming the field that cannot work."""

    @property
    def what(self) -> str:
        """Names it in errors, without secrets."""

    def show(self) -> dict[str, Any]:
        """What to print of it, without secrets."""

    async def read(self) -> bytes:
        """The text, within limits. Raises `TriggerUnavailable` or `TriggerRefused`."""
