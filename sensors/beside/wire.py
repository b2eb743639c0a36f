"""What goes between the service and its helper: frames of four bytes of length and MessagePack."""

from struct import Struct
from typing import TypeVar

import msgspec

from eventbus.event import Event

LENGTH = Struct("!I")
MAX_DATA_BYTES = 16 << 20
"""Data of an event that is sent to the helper; a larger one is looked at in the loop, by threads where it is searched."""


class Rule(msgspec.Struct, array_like=True, frozen=True):
    """One rule that is asked."""

    number: int
    """What the service calls it."""
    share: float
    """The part of its time that it gets."""
    reason: bool
    """Whether to say why, where it fails."""


class Learn(msgspec.Struct, tag="learn", frozen=True):
    """Compile dependencies, by number: their declarations as JSON. Answered by no answers."""

    rules: dict[int, bytes]
    anew: bool
    """Forget all others."""


class Ask(msgspec.Struct, tag="ask", frozen=True):
    """Ask rules about one event, in order."""

    event: Event
    now_us: int
    """The present of filters and transforms."""
    rules: list[Rule]


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """What one rule answered."""

    held: int | None
    """A `Held`; None where it broke, or where its answer cannot be sent: it is asked in the loop then."""
    processor_s: float
    reason: str = ""
    data: bytes | None = None
    """What the transform made of the event, where the filters behind it held."""


Answers = list[Answer]
"""Of the first rules that were asked: where they took long the others are asked again."""

_encode = msgspec.msgpack.Encoder().encode
T = TypeVar("T")


def frame(message: Learn | Ask | Answers) -> bytes:
    """`message` as it is sent. Raises `UnicodeEncodeError` where a text cannot be."""
    body = _encode(message)
    return LENGTH.pack(len(body)) + body


asked = msgspec.msgpack.Decoder(Learn | Ask).decode
answers = msgspec.msgpack.Decoder(Answers).decode
