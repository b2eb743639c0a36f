"""What triggers have in common that send one body, built from `payload`, to where their declaration says."""

from typing import Generic, NamedTuple, Protocol, TypeVar

import msgspec

from sensors.bound import Bound
from sensors.errors import RenderError
from sensors.parameters import ParameterError, Payload
from sensors.triggers.fitted import Fitted


class StoredMessage(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A rendered message: what the revision's declaration does not say already. It never holds a secret."""

    body: bytes | None
    spec: bytes | None = None
    """The declaration as parameters rewrote it, JSON; None where none did."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StoredMessage).decode


class Parts(Protocol):
    """One declaration compiled."""

    @property
    def payload(self) -> Payload | None:
        """What builds the body; None where there is none."""


PartsT = TypeVar("PartsT", bound=Parts)


class Rendered(NamedTuple, Generic[PartsT]):
    """A stored message, and the declaration it was made with."""

    parts: PartsT
    body: bytes | None


class MessageTrigger(Generic[PartsT]):
    """Renders and reads back messages; a kind's module says what they are and sends them."""

    def __init__(self, fitted: Fitted[PartsT]) -> None:
        self._fitted = fitted

    @property
    def timeout_s(self) -> float | None:
        """None: the service's default."""
        return None

    def render(self, bound: Bound) -> bytes:
        """Return the message as bytes to store. Raises `RenderError`."""
        parts, spec = self._fitted.for_firing(bound)
        try:
            return _encode(StoredMessage(None if parts.payload is None else parts.payload.build(bound), spec))
        except ParameterError as exc:
            raise RenderError(str(exc)) from exc

    async def aclose(self) -> None:
        """Do nothing: what is shared is closed when nobody has used it for a while, or with the service."""

    def _read(self, request: bytes) -> Rendered[PartsT]:
        stored = _decode(request)
        return Rendered(self._fitted.stored(stored.spec), stored.body)
