"""What stands for a trigger that cannot work, where it is to be shown what it would have to do."""

from collections.abc import Mapping
from typing import Any, NoReturn

from eventbus.chain import Chain
from sensors.bound import Bound
from sensors.errors import RenderError, TriggerRefused
from sensors.triggers.trigger import Delivered


class BrokenTrigger:
    """Has no request for any firing, and says why."""

    def __init__(self, why: str) -> None:
        self._why = why

    @property
    def timeout_s(self) -> None:
        """None: there is nothing to wait for."""
        return None

    def render(self, bound: Bound) -> NoReturn:
        """Raise `RenderError`."""
        raise RenderError(self._why)

    def show(self, request: bytes) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        """Raise `TriggerRefused`."""
        raise TriggerRefused(self._why)

    async def aclose(self) -> None:
        """Do nothing: it holds nothing open."""
