"""How the kinds of filter of one dependency combine into one answer.

Semantics: upstream's `Filter`: kinds are asked in the order exprs, data, context, time, script. With `and` the first that does
not hold ends it and an absent kind holds. With `or` only the kinds present take part, any error rejects even when another
kind held, and no kinds at all reject.
"""

from collections.abc import Sequence

from manifests.objects import Dependency, Filters
from sensors.bound import EventView
from sensors.filters.context import Context
from sensors.filters.data import Data, DataClause, any_needs, best_needs
from sensors.filters.exprs import ExprClause, Exprs
from sensors.filters.held import ERRORS, Clause, Held, Needs, all_hold
from sensors.filters.script import ScriptFilter
from sensors.filters.time import Time


class Everything:
    """No filter: every event of the road counts."""

    __slots__ = ()
    needs: Needs = None

    def holds(self, view: EventView) -> Held:
        """Always."""
        del view
        return Held.YES

    def why(self, view: EventView) -> str:
        """Nothing to say, because it always holds."""
        del view
        return ""


class AllOf:
    """Kinds that must all hold."""

    __slots__ = ("needs", "parts")

    def __init__(self, kinds: Sequence[Clause]) -> None:
        self.parts = tuple(kinds)
        self.needs: Needs = best_needs(kinds)

    def holds(self, view: EventView) -> Held:
        """Ask in order; the first that does not hold decides."""
        return all_hold(self.parts, view)

    def why(self, view: EventView) -> str:
        """Why the first that does not hold does not."""
        return next(kind.why(view) for kind in self.parts if kind.holds(view) is not Held.YES)


class AnyOf:
    """Kinds of which one must hold and none may err."""

    __slots__ = ("_kinds", "needs")

    def __init__(self, kinds: Sequence[Clause]) -> None:
        self._kinds = tuple(kinds)
        self.needs: Needs = any_needs(kinds)

    def holds(self, view: EventView) -> Held:
        """Ask all: an error outweighs a yes."""
        held = Held.NO
        for kind in self._kinds:
            answer = kind.holds(view)
            if answer in ERRORS:
                return answer
            if answer is Held.YES:
                held = answer
        return held

    def why(self, view: EventView) -> str:
        """The error that rejects, or why each kind does not hold."""
        if not self._kinds:
            return "filters: joined by 'or', but there are none"
        for kind in self._kinds:
            if kind.holds(view) in ERRORS:
                return kind.why(view)
        return "; ".join([kind.why(view) for kind in self._kinds])


def compile_filters(dependency: Dependency) -> Clause:
    """One clause for all that `dependency` asks. Never raises: what cannot work never holds and says why."""
    if dependency.filters is None:
        return Everything()
    kinds = _kinds(dependency.filters)
    if dependency.filters_logical_operator == "or":
        return kinds[0] if len(kinds) == 1 else AnyOf(kinds)
    if not kinds:
        return Everything()
    return kinds[0] if len(kinds) == 1 else AllOf(kinds)


def _kinds(filters: Filters) -> list[Clause]:
    kinds: list[Clause] = []
    if filters.exprs:
        items = [ExprClause(spec) for spec in filters.exprs]
        kinds.append(Exprs(items, any_of=filters.expr_logical_operator == "or"))
    if filters.data:
        clauses = [DataClause(spec) for spec in filters.data]
        kinds.append(Data(clauses, any_of=filters.data_logical_operator == "or"))
    if filters.context is not None:
        kinds.append(Context(filters.context))
    if filters.time is not None:
        kinds.append(Time(filters.time))
    if filters.script:
        kinds.append(ScriptFilter(filters.script))
    return kinds
