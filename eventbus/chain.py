"""What goes from an event to a firing to what its target emits next, so that a chain can be followed and a loop stopped.

In the store it is part of events and firings. Outside it travels as headers; CloudEvents carry the same as the extension
attributes `correlationid`, `causationid` and `hops`.
"""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote

import msgspec

from eventbus.event import Event
from eventbus.firing import Firing
from eventbus.journal import Journal

CORRELATION, CAUSATION, HOPS = "Tocsin-Correlation-Id", "Tocsin-Causation-Id", "Tocsin-Hops"
"""Names of headers."""
ATTRIBUTES = ("correlationid", "causationid", "hops")
"""Names of the same among the attributes of a CloudEvent."""

LONGEST_ID = 1024
"""Characters of a correlation or causation id outside, quoted."""
_MOST_HOPS_DIGITS = 6
_FIRING_DIGITS = 32
# Printable ASCII but `%`, which quotes.
_SAFE = "".join(chr(code) for code in range(33, 127) if chr(code) != "%")


class Chain(NamedTuple):
    """Where a firing stands in its chain."""

    correlation: str
    """Shared by all events and firings of the chain."""
    causation: str
    """Id of the firing itself."""
    hops: int
    """Firings from the first event to this one, itself included."""

    @classmethod
    def of(cls, firing: Firing) -> "Chain":
        """Where `firing` stands."""
        return cls(firing.correlation, firing.id, firing.hops)

    def headers(self) -> list[tuple[str, str]]:
        """Names and values of headers that tell the next service."""
        told = [(CAUSATION, self.causation), (HOPS, str(self.hops))]
        correlation = self.correlation
        if not (correlation.isascii() and correlation.isalnum()):
            correlation = quote(correlation, safe=_SAFE, errors="replace")
        # A server may refuse a request for its long headers: rather no correlation than no action.
        return [(CORRELATION, correlation), *told] if 0 < len(correlation) <= LONGEST_ID else told


def continued(event: Event, correlation: str | None, causation: str | None, hops: str | None) -> Event:
    """`event` as a further link of the chain that its sender told of; what cannot be meant is passed over.

    Anyone may say anything: it joins events that a `trace` shows together, and a high count of hops stops what follows from
    this event, and nothing else.
    """
    told = correlation is not None and 0 < len(correlation) <= LONGEST_ID and correlation.isprintable()
    count = hops if hops is not None and hops.isascii() and hops.isdigit() and len(hops) <= _MOST_HOPS_DIGITS else "0"
    return msgspec.structs.replace(
        event,
        correlation=correlation if told else event.correlation,
        causation=causation if is_firing(causation) else event.causation,
        hops=max(event.hops, int(count)),
    )


def unquoted(correlation: str | None) -> str | None:
    """A correlation id as a header carries it, as it is meant."""
    return None if correlation is None else unquote(correlation)


def is_firing(text: str | None) -> bool:
    """Whether `text` can be the id of a firing."""
    return text is not None and len(text) == _FIRING_DIGITS and set(text) <= set("0123456789abcdef")


def caused_by(event: Event) -> str | None:
    """The firing that an event came from: the one it names, or the one whose idempotency key became its id."""
    return event.causation or (event.id if is_firing(event.id) else None)


async def lineage(journal: Journal, firing: Firing, most: int) -> Sequence[Firing]:
    """The firings that led to `firing`, nearest first, `most` at most: of several causes the one with the most hops.

    It ends where a link is not on record here.
    """
    found: list[Firing] = []
    while len(found) < most:
        before = await _before(journal, firing)
        if before is None or before.hops >= firing.hops:
            break
        found.append(before)
        firing = before
    return found


async def _before(journal: Journal, firing: Firing) -> Firing | None:
    causes = [await journal.known(cause.position) for cause in firing.causes]
    events = [cause.event for cause in causes if cause is not None]
    if not events or (name := caused_by(max(events, key=lambda event: event.hops))) is None:
        return None
    record = await journal.firing(name)
    return None if record is None else record.firing
