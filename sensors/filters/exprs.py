"""The `exprs` filter: expressions over named values of the event's data.

Semantics: upstream's `filterExpr`. Every field's path must find a value, or the item is an error before its expression is
computed; an item holds where the expression is true, and what is neither true nor false is a plain no. Absent data passes,
data that is not JSON errs. With `or` an error counts only where no item holds.
"""

from collections.abc import Sequence
from typing import Any

from manifests.objects import ExprFilter
from sensors.bound import EventView
from sensors.filters.data import TOO_LONG, seen
from sensors.filters.held import Clause, Held, Needs, all_hold, one_holds, shorten, shown
from sensors.languages.expression_values import shown_value
from sensors.languages.expression_words import ExpressionError
from sensors.languages.expressions import Expression, compile_expression
from sensors.languages.gjson import EXHAUSTED, Path, compile_path


class ExprClause:
    """One compiled item."""

    __slots__ = ("_bad", "_expression", "_fields", "spec")
    needs: Needs = None

    def __init__(self, spec: ExprFilter) -> None:
        self.spec = spec
        self._fields: tuple[tuple[str, Path], ...] = tuple((field.name, compile_path(field.path)) for field in spec.fields)
        self._expression: Expression | None = None
        self._bad = ""
        try:
            self._expression = compile_expression(spec.expr)
        except ExpressionError as exc:
            self._bad = str(exc)

    def holds(self, view: EventView) -> Held:
        """Whether the expression is true."""
        names: dict[str, Any] = {}
        for name, path in self._fields:
            found = view.look(path)
            value = names[name] = found.floats
            if value is None and not found.exists:
                return Held.ERROR if self._expression is None or found is EXHAUSTED else Held.ABSENT
        if self._expression is None:
            return Held.ERROR
        try:
            return Held.YES if self._expression.compute(names) is True else Held.NO
        except ExpressionError:
            return Held.ERROR

    def why(self, view: EventView) -> str:
        """The expression, what it gave and the values it saw, or what made it fail."""
        for name, path in self._fields:
            found = view.look(path)
            if found is EXHAUSTED:
                return f"exprs {shown(self.spec.expr)}: {name} at {path.text}: {TOO_LONG}"
            if not found.exists:
                return f"exprs {shown(self.spec.expr)}: there is no value for {name} at {path.text} in the event"
        if self._expression is None:
            return f"exprs {shown(self.spec.expr)}: it cannot be read: {self._bad}"
        try:
            value = self._expression.compute({name: view.look(path).floats for name, path in self._fields})
        except ExpressionError as exc:
            return f"exprs {shown(self.spec.expr)}: it failed: {exc}{self._with(view)}"
        said = "is false" if value is False else f"is {shown_value(value)}, neither true nor false"
        return f"exprs {shown(self.spec.expr)} {said}{self._with(view)}"

    def _with(self, view: EventView) -> str:
        values = ", ".join(f"{name} = {seen(view.look(path))}" for name, path in self._fields)
        return f", with {shorten(values)}" if values else ""


class Exprs:
    """All `exprs` items of a dependency."""

    __slots__ = ("_any", "_clauses")
    needs: Needs = None

    def __init__(self, clauses: Sequence[ExprClause], *, any_of: bool) -> None:
        # Items without fields take no part; the loader refuses them.
        self._clauses = tuple(clause for clause in clauses if clause.spec.fields)
        self._any = any_of

    @property
    def parts(self) -> tuple[Clause, ...]:
        """The items that must all hold; none where one is enough."""
        return () if self._any else self._clauses

    def holds(self, view: EventView) -> Held:
        """Whether all items hold, or with `or` one of them."""
        if view.document is None:
            return Held.YES
        if not view.document.valid:
            return Held.ERROR
        return one_holds(self._clauses, view) if self._any else all_hold(self._clauses, view)

    def why(self, view: EventView) -> str:
        """With `and` the first item that does not hold; with `or` all of them."""
        if view.document is None or not view.document.valid:
            return "exprs: the event data is not JSON"
        if self._any:
            return "; ".join([clause.why(view) for clause in self._clauses])
        return next((clause.why(view) for clause in self._clauses if clause.holds(view) is not Held.YES), "")
