"""What triggers have in common whose request is their declaration itself, as parameters made it for one firing."""

from typing import Generic, TypeVar

import msgspec

from sensors.bound import Bound
from sensors.triggers.fitted import Fitted

SpecT = TypeVar("SpecT")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(bytes | None).decode


class DeclarationTrigger(Generic[SpecT]):
    """Renders and reads back declarations; a kind's module says what they are and carries them out."""

    def __init__(self, fitted: Fitted[SpecT]) -> None:
        self._fitted = fitted

    @property
    def timeout_s(self) -> float | None:
        """None: the service's default."""
        return None

    def render(self, bound: Bound) -> bytes:
        """Return the declaration as bytes to store: what parameters made of it, or nothing. Raises `RenderError`."""
        return _encode(self._fitted.for_firing(bound)[1])

    async def aclose(self) -> None:
        """Do nothing: it holds nothing open."""

    def _read(self, request: bytes) -> SpecT:
        return self._fitted.stored(_decode(request))
