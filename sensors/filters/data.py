"""The `data` filter: clauses over values of the event's data.

Semantics: upstream's `filterData`. A path that finds nothing is an error, not a plain no; absent data passes, data that is not
JSON errs. Listed values are alternatives; `dataLogicalOperator` joins the clauses.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from manifests.objects import DataFilter
from sensors.bound import EventView
from sensors.filters.comparisons import Comparison, errs_at_last, needs, number_comparison, text_comparison, truth_comparison
from sensors.filters.held import Clause, Held, Key, Needs, shorten, shown
from sensors.languages.gjson import Result, compile_path
from sensors.languages.gotemplate import Template, TemplateError, compile_template, says_nothing
from sensors.languages.jsontext import Kind

_NOT_FULFILLED = {
    "": "is none of",
    "=": "is none of",
    "!=": "equals all of",
    ">": "is greater than none of",
    ">=": "is at least none of",
    "<": "is less than none of",
    "<=": "is at most none of",
}


class DataClause:
    """One compiled clause."""

    __slots__ = ("_bad_template", "_compare", "_may_err", "_path", "_template", "_unfulfilled", "needs", "spec")

    def __init__(self, spec: DataFilter) -> None:
        self.spec = spec
        self._path = compile_path(spec.path)
        self._compare = _comparison(spec)
        self._may_err = errs_at_last(spec.type, spec.value)
        self._template: Template | None = None
        self._bad_template = ""
        if spec.template:
            try:
                self._template = compile_template(spec.template)
            except ValueError as exc:
                self._bad_template = f"the template cannot work: {exc}"
        indexable = self._path.plain is not None and not spec.template and self._compare is not None
        self.needs: Needs = needs(spec.type, spec.comparator, spec.value, spec.path) if indexable else None
        self._unfulfilled = f"{_relation(spec)} {shorten('[' + ', '.join(map(shown, spec.value)) + ']')}"

    def holds(self, view: EventView) -> Held:
        """Whether any listed value satisfies the comparison."""
        found = view.look(self._path)
        if not found.exists or self._compare is None:
            return Held.ERROR
        if not self.spec.template:
            return self._compare(found)
        made, _ = self._templated(found, view)
        return Held.ERROR if made is None else self._compare(made)

    def why(self, view: EventView) -> str:
        """The value seen and what was wanted, or what made the clause fail."""
        found = view.look(self._path)
        name = f"data {self.spec.path}: "
        if not found.exists:
            return name + "there is no such value in the event"
        if self._compare is None:
            return f"{name}{self._unusable()}"
        made, problem = self._templated(found, view) if self.spec.template else (found, "")
        if made is None:
            return name + problem
        value = self._seen(made, found, view)
        if self._may_err and self._compare(made) is Held.ERROR:
            return f"{name}{value} satisfies none of the values before one that is no {_WANTED[self.spec.type]}"
        return f"{name}{value} {self._unfulfilled}"

    def _seen(self, made: Result, found: Result, view: EventView) -> str:
        """The value as a reason shows it. Bulk checks ask for many reasons about one value, so it is written once."""
        if made is not found:
            return seen(made)
        text = view.shown.get(self._path)
        if text is None:
            text = view.shown[self._path] = seen(found)
        return text

    def _unusable(self) -> str:
        if not self.spec.value:
            return "no value is listed"
        return f"the type {shown(self.spec.type)} is none of bool, number, string"

    def _templated(self, found: Result, view: EventView) -> tuple[Result | None, str]:
        """What the template makes of the value, or None and why."""
        if self._template is None:
            return None, self._bad_template
        now = datetime.fromtimestamp(view.now_us / 1e6, UTC)
        try:
            text = self._template.render(found.text, now=now, seed=view.event.identity.key())
        except TemplateError as exc:
            return None, f"the template failed on {seen(found)}: {exc}"
        if says_nothing(text):
            return None, f"the template printed nothing for {seen(found)}"
        return Result(text), ""


_WANTED = {"bool": "truth value", "number": "number", "string": "pattern"}


def _comparison(spec: DataFilter) -> Comparison | None:
    if not spec.value:
        return None
    match spec.type:
        case "bool":
            return truth_comparison(spec.value)
        case "number":
            return number_comparison(spec.value, spec.comparator)
        case "string":
            return text_comparison(spec.value, spec.comparator)
    return None


def _relation(spec: DataFilter) -> str:
    if spec.type == "string":
        return {"": "matches none of", "=": "matches none of", "!=": "matches all of"}.get(
            spec.comparator, f"cannot be compared by {shown(spec.comparator)} with the patterns"
        )
    if spec.type == "bool":
        return "is none of"
    return _NOT_FULFILLED.get(spec.comparator, f"cannot be compared by {shown(spec.comparator)} with")


def seen(found: Result) -> str:
    """A value as a reason shows it: JSON, bounded."""
    if found.kind is Kind.STRING:
        return shown(found.text)
    return shorten(found.raw)


class Data:
    """All `data` clauses of a dependency."""

    __slots__ = ("_any", "_clauses", "needs")

    def __init__(self, clauses: Sequence[Clause], *, any_of: bool) -> None:
        self._clauses = tuple(clauses)
        self._any = any_of
        self.needs: Needs = any_needs(clauses) if any_of else best_needs(clauses)

    def holds(self, view: EventView) -> Held:
        """With `and`: the first no or error ends it. With `or`: one yes is enough, whatever erred."""
        document = view.document
        if document is None:
            return Held.YES
        if not document.valid:
            return Held.ERROR
        if self._any:
            return self._any_holds(view)
        for clause in self._clauses:
            held = clause.holds(view)
            if held is not Held.YES:
                return held
        return Held.YES

    def _any_holds(self, view: EventView) -> Held:
        worst = Held.NO
        for clause in self._clauses:
            held = clause.holds(view)
            if held is Held.YES:
                return held
            if held is Held.ERROR:
                worst = held
        return worst

    def why(self, view: EventView) -> str:
        """With `and` the first clause that does not hold; with `or` all of them."""
        if view.document is None or not view.document.valid:
            return "data: the event data is not JSON"
        if len(self._clauses) == 1:
            return self._clauses[0].why(view)
        if self._any:
            return "; ".join([clause.why(view) for clause in self._clauses])
        return next(clause.why(view) for clause in self._clauses if clause.holds(view) is not Held.YES)


def any_needs(clauses: Sequence[Clause]) -> Needs:
    """What one of `clauses` needs, where each needs something."""
    keys: list[Key] = []
    for clause in clauses:
        if clause.needs is None:
            return None
        keys.extend(clause.needs)
    return tuple(dict.fromkeys(keys))


_WORTH = {"context": 2, "truth": 3, "number": 1, "text": 0}
"""What tells events apart best comes first; a truth value tells least."""


def best_needs(clauses: Sequence[Clause]) -> Needs:
    """The needs that tell events apart best, of clauses that must all hold."""
    known = [clause.needs for clause in clauses if clause.needs is not None]
    return min(known, key=_selectivity, default=None)


def _selectivity(keys: tuple[Key, ...]) -> tuple[int, int, int]:
    worst = max((_WORTH[key.what] for key in keys), default=-1)
    shortest = min((len(str(key.value)) for key in keys if key.what == "text"), default=0)
    return worst, len(keys), -shortest
