"""The filter of an event source: what does not pass never reaches the log.

It stands between a source and the log, where pauses do, so that a kind of source knows nothing of it. Whoever sent the event is
told that all is well, as by the original; what was left out is counted and shown.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from os import urandom
from typing import Any

import structlog

from eventbus.event import UNPARSED, Event, Road
from manifests.fields import EventFilter
from manifests.objects import DeclaredEvent
from sensors.languages.document import Document
from sensors.languages.expr import ExprError, Program, compile_expr
from sensors.languages.expr.builtins import as_floats
from sensors.languages.expr.environment import environment
from sensors.languages.gotemplate import moment
from sources.throttle import Throttle

logger = structlog.get_logger()


class BadFilter(ValueError):
    """The expression cannot work. The message says why."""


def expression_of(event: DeclaredEvent) -> str:
    """The expression that events of `event` must pass; empty where there is none."""
    declared = getattr(event.spec, "filter", None)
    return declared.expression if isinstance(declared, EventFilter) else ""


def compile_filter(expression: str) -> Program:
    """The compiled expression. Raises `BadFilter`, also where it is known that it never gives true or false."""
    try:
        program = compile_expr(expression)
    except ExprError as exc:
        raise BadFilter(f"not an expression: {exc}") from None
    if program.type is None or program.type.kind not in ("any", "bool"):
        raise BadFilter(f"gives {program.type or 'nil'}, and must give true or false: no event would pass")
    return program


_FAILURES = (ExprError, RecursionError)
"""How computing an expression on an event fails."""


def refusal(program: Program, event: Event, now: datetime) -> str:
    """Why `event` is left out, decided at `now`; empty where it passes. The same each time it is asked."""
    try:
        if _holds(program, event, now, event.identity.key()[:16]):
            return ""
    except _FAILURES as exc:
        return f"the expression failed: {str(exc) or type(exc).__name__}"
    return "the expression is false"


def _holds(program: Program, event: Event, now: datetime, seed: bytes) -> bool:
    data = _parsed(event.data or b"null") if event.tree is UNPARSED else event.tree
    if not isinstance(data, dict):
        raise ExprError("the event's data is no JSON object")
    names = environment(as_floats(data))
    with moment(now, seed):
        return program.holds(names, now)


def _parsed(text: bytes) -> Any:
    document = Document(text)
    if not document.valid:
        raise ExprError(f"the event's data is no JSON object: {document.problem}")
    return document.tree


class SourceFilter:
    """One filter at work, and what it has left out since it was declared."""

    def __init__(self, expression: str, road: Road, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """`now` is the time of day. Raises `BadFilter`."""
        self._now = now
        self.expression = expression
        self.left_out = 0
        """Events for which the expression was false."""
        self.failed = 0
        """Events for which it could not be computed; they are left out, too."""
        self.reason = ""
        """Why it could not, the last time."""
        self._program = compile_filter(expression)
        self._log, self._said = logger.bind(source=str(road)), Throttle(every_s=60.0)

    def passes(self, event: Event) -> bool:
        """Whether `event` goes to the log; what does not is counted, and said where it should not have happened."""
        try:
            if _holds(self._program, event, self._now(), urandom(16)):
                return True
        except _FAILURES as exc:
            self.failed += 1
            self.reason = str(exc) or type(exc).__name__
            if (more := self._said.admits("failed")) is not None:
                self._log.warning("source_filter_failed", id=event.id, reason=self.reason, more=more or None)
            return False
        self.left_out += 1
        self._log.debug("event_left_out", id=event.id)
        return False

    def view(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "expression": self.expression,
            "left_out": self.left_out,
            "failed": self.failed,
            "reason": self.reason or None,
        }
