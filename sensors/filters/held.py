"""What asking a filter gives, and what an index can know of it beforehand."""

from collections.abc import Iterable
from enum import Enum
from typing import Literal, NamedTuple, Protocol

import orjson

from sensors.bound import EventView

SEEN_CHARS = 200
"""How much of a value a reason shows."""


class Held(Enum):
    """Whether a clause held. An error rejects as a plain no does, and under `or` it also outweighs a yes."""

    YES = 1
    NO = 0
    ERROR = -1
    ABSENT = -2
    """An error as above, whose only reason is that the event has no such value: nothing is wrong with the rule."""


ERRORS = (Held.ERROR, Held.ABSENT)


class Key(NamedTuple):
    """One thing that an event must have, in a form that an index can look up."""

    what: Literal["text", "exact", "number", "truth", "context"]
    where: str
    """A plain data path, or the name of a context attribute."""
    value: str | float | bool
    """For text, what it must contain; otherwise what it must equal."""


Needs = tuple[Key, ...] | None
"""An event with data that satisfies the filter has at least one of these; None: nothing is known beforehand."""


class Clause(Protocol):
    """One clause, or one kind of filter with all its clauses. Pure."""

    def holds(self, view: EventView) -> Held:
        """Whether it holds for the event. Makes no text: this is the hot path."""

    def why(self, view: EventView) -> str:
        """Why it does not hold: the clause, the value seen, what was wanted. Only where it does not."""

    @property
    def needs(self) -> Needs:
        """What an index may narrow by."""


def all_hold(clauses: Iterable[Clause], view: EventView) -> Held:
    """Ask in order; the first that does not hold decides."""
    for clause in clauses:
        held = clause.holds(view)
        if held is not Held.YES:
            return held
    return Held.YES


def one_holds(clauses: Iterable[Clause], view: EventView) -> Held:
    """Whether one holds, whatever others err; an error only where none does."""
    worst = Held.NO
    for clause in clauses:
        held = clause.holds(view)
        if held is Held.YES:
            return held
        if held is Held.ERROR or (held is Held.ABSENT and worst is Held.NO):
            worst = held
    return worst


def shown(text: str) -> str:
    """`text` in quotes as a reason shows it, on one line and bounded."""
    text = shorten(text)
    try:
        return orjson.dumps(text).decode()
    except TypeError:  # a lone surrogate, in an attribute of the event
        return orjson.dumps(text.encode("utf-8", "replace").decode()).decode()


def shorten(text: str) -> str:
    """`text`, cut where it is longer than a reason shows."""
    return text if len(text) <= SEEN_CHARS else f"{text[:SEEN_CHARS]}… ({len(text)} characters)"
