"""Compiled expressions."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from sensors.languages.expr.checker import check
from sensors.languages.expr.compiler import compile_node
from sensors.languages.expr.folding import fold
from sensors.languages.expr.parser import parse
from sensors.languages.expr.run import Compute, Run
from sensors.languages.expr.types import Type
from sensors.languages.expr.values import shown
from sensors.languages.expr.words import ExprError
from sensors.languages.time_limit import TimeUp, within

MAX_SECONDS = 0.1
"""Seconds of processor time of one run."""


class Program:
    """A compiled expression. Computing it changes nothing."""

    __slots__ = ("_compute", "text", "type")

    def __init__(self, text: str, compute: Compute, known: Type | None) -> None:
        self.text = text
        self.type = known
        """What it gives, as far as that is known; None is nil."""
        self._compute = compute

    def compute(self, environment: Mapping[str, Any], now: datetime) -> Any:
        """The value. Raises `ExprError` where the values do not fit, or where it would take too long."""
        run = Run(environment, now)
        try:
            return within(MAX_SECONDS, lambda: self._compute(run), run.exhaust)
        except RecursionError:
            raise ExprError("nested too deep") from None
        except TimeUp:
            raise ExprError(f"needs more than {MAX_SECONDS * 1000:g} ms") from None

    def holds(self, environment: Mapping[str, Any], now: datetime) -> bool:
        """The value, which must be true or false. Raises `ExprError`."""
        value = self.compute(environment, now)
        if type(value) is not bool:
            raise ExprError(f"gives {shown(value)}, and must give true or false")
        return value


@lru_cache(maxsize=4096)
def compile_expr(text: str) -> Program:
    """Compile `text`; the same text gives the same object. Raises `ExprError` with line and column."""
    try:
        tree = parse(text)
        known = check(tree)
        return Program(text, compile_node(fold(tree)), known)
    except RecursionError:
        raise ExprError("nested too deep") from None
