"""What one run of an expression knows, and what it may use: elements looked at, elements and texts made.

What a sender puts into an event must not hold up the rest.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sensors.languages.expr.words import ExprError

MAX_STEPS = 250_000
"""Elements that one run may look at, nested ones counted as often as they are looked at."""
MAX_ELEMENTS = 1_000_000
"""Elements of lists, maps and ranges that one run may make, as in the original."""


class Scope:
    """A function that looks at the elements of a list."""

    __slots__ = ("accumulated", "elements", "index")

    def __init__(self, elements: Any) -> None:
        self.elements = elements
        self.index = 0
        self.accumulated: Any = None


class Run:
    """What one run knows."""

    __slots__ = ("_elements", "_steps_left", "environment", "now", "scopes", "variables")

    def __init__(self, environment: Mapping[str, Any], now: datetime) -> None:
        self.environment, self.now = environment, now
        self.variables: list[Any] = []
        self.scopes: list[Scope] = []
        self._steps_left = MAX_STEPS
        self._elements = 0

    def step(self) -> None:
        """Count an element that is looked at."""
        self._steps_left -= 1
        if self._steps_left < 0:
            raise ExprError(f"more than {MAX_STEPS} elements were looked at, or it took too long")

    def exhaust(self) -> None:
        """Let the next step be the last: there is no time left."""
        self._steps_left = 0

    def made(self, count: int) -> None:
        """Count elements that are made."""
        self._elements += count
        if self._elements >= MAX_ELEMENTS:
            raise ExprError(f"more than {MAX_ELEMENTS} elements were made")


Compute = Callable[[Run], Any]
