"""The `data` filter: clauses over values of the event's data.

Semantics: upstream's `filterData`. A path that finds nothing is an error, not a plain no; absent data passes, data that is not
JSON errs. Listed values are alternatives; `dataLogicalOperator` joins the clauses.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from manifests.objects import DataFilter
from sensors.bound import EventView
from sensors.filters.comparisons import Comparison, errs_at_last, needs, number_comparison, text_comparison, truth_comparison
from sensors.filters.held import Clause, Held, Key, Needs, all_hold, one_holds, shorten, shown
from sensors.languages.gjson import EXHAUSTED, Result, compile_path
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


TOO_LONG = "looking for it takes more time, or makes more text, than a path may"


class DataClause:
    """One compiled clause."""

    __slots__ = ("_bad_template", "_compare", "_may_err", "_path", "_plain", "_template", "_unfulfilled", "needs", "spec")

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
        self._plain = self._compare is not None and not spec.template and not self._may_err
        self._unfulfilled = f"{_relation(spec)} {shorten('[' + ', '.join(map(shown, spec.value)) + ']')}"

    def holds(self, view: EventView) -> Held:
        """Whether any listed value satisfies the comparison."""
        found = view.look(self._path)
        if self._compare is None:
            return Held.ERROR
        if not found.exists:
            return Held.ERROR if found is EXHAUSTED else Held.ABSENT
        if not self.spec.template:
            return self._compare(found)
        made, _ = self._templated(found, view)
        return Held.ERROR if made is None else self._compare(made)

    def why(self, view: EventView) -> str:
        """The value seen and what was wanted, or what made the clause fail."""
        return self.refusal(view) or ""

    def refusal(self, view: EventView) -> str | None:
        """Why it does not hold, None where it does: `holds` and `why` in one, for bulk checks."""
        path = self._path
        found = view.look(path)
        if self._plain and found.exists:
            if self._compare(found) is Held.YES:  # type: ignore[misc]  # plain clauses have a comparison
                return None
            text = view.shown.get(path)
            if text is None:  # many clauses ask about one value, so it is written once
                text = view.shown[path] = f"data {self.spec.path}: {seen(found)} "
            return text + self._unfulfilled
        problem = self._problem(found, view)
        return problem and f"data {self.spec.path}: {problem}"

    def _problem(self, found: Result, view: EventView) -> str | None:
        if not found.exists:
            return TOO_LONG if found is EXHAUSTED else "there is no such value in the event"
        if self._compare is None:
            return self._unusable()
        made, problem = self._templated(found, view) if self.spec.template else (found, "")
        if made is None:
            return problem
        held = self._compare(made)
        if held is Held.YES:
            return None
        if self._may_err and held is Held.ERROR:
            return f"{seen(made)} satisfies none of the values before one that is no {_WANTED[self.spec.type]}"
        return f"{seen(made)} {self._unfulfilled}"

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

    def __init__(self, clauses: Sequence[DataClause], *, any_of: bool) -> None:
        self._clauses = tuple(clauses)
        self._any = any_of
        self.needs: Needs = any_needs(clauses) if any_of else best_needs(clauses)

    @property
    def parts(self) -> tuple[Clause, ...]:
        """The clauses that must all hold; none where one is enough."""
        return () if self._any else self._clauses

    def holds(self, view: EventView) -> Held:
        """With `and`: the first no or error ends it. With `or`: one yes is enough, whatever erred."""
        document = view.document
        if document is None:
            return Held.YES
        if not document.valid:
            return Held.ERROR
        return one_holds(self._clauses, view) if self._any else all_hold(self._clauses, view)

    def why(self, view: EventView) -> str:
        """With `and` the first clause that does not hold; with `or` all of them."""
        if view.document is None or not view.document.valid:
            return "data: the event data is not JSON"
        if self._any:
            return "; ".join([clause.why(view) for clause in self._clauses])
        for clause in self._clauses:
            if (refusal := clause.refusal(view)) is not None:
                return refusal
        return ""


def any_needs(clauses: Sequence[Clause]) -> Needs:
    """What one of `clauses` needs, where each needs something."""
    keys: list[Key] = []
    for clause in clauses:
        if clause.needs is None:
            return None
        keys.extend(clause.needs)
    return tuple(dict.fromkeys(keys))


_WORTH = {"context": 2, "truth": 3, "number": 1, "text": 0, "exact": 0}
"""What tells events apart best comes first; a truth value tells least."""


def best_needs(clauses: Sequence[Clause]) -> Needs:
    """The needs that tell events apart best, of clauses that must all hold."""
    known = [clause.needs for clause in clauses if clause.needs is not None]
    return min(known, key=_selectivity, default=None)


def _selectivity(keys: tuple[Key, ...]) -> tuple[int, int, int]:
    worst = max((_WORTH[key.what] for key in keys), default=-1)
    shortest = min((len(str(key.value)) for key in keys if key.what in ("text", "exact")), default=0)
    return worst, len(keys), -shortest
