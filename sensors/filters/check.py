"""What in a dependency cannot work, known before any event comes."""

from collections.abc import Iterator

from manifests.objects import DataFilter, Dependency, Filters, Transform
from manifests.problems import Severity
from sensors.filters.comparisons import bad_numbers, bad_patterns, bad_truths
from sensors.languages.expression_words import ExpressionError
from sensors.languages.expressions import compile_expression
from sensors.languages.gotemplate import compile_template
from sensors.languages.jq import JqFailed, compile_program
from sensors.languages.lua import LuaError, compile_script

Finding = tuple[str, str, Severity]
"""Where in the dependency, what is wrong, how bad."""

_TYPES = frozenset(("bool", "number", "string"))


def check_dependency(dependency: Dependency) -> Iterator[Finding]:
    """Yield what cannot work (an error: whatever needs the dependency cannot run) and what never can match (a warning)."""
    if dependency.transform is not None:
        yield from _check_transform(dependency.transform)
    if dependency.filters is None:
        return
    if dependency.filters.script and (why := _bad_script(dependency.filters.script)):
        yield "filters.script", f"not a Lua script: {why}", Severity.ERROR
    joined_by_or = dependency.filters_logical_operator == "or"
    yield from _check_exprs(dependency.filters, joined_by_or=joined_by_or)
    if joined_by_or and dependency.filters == Filters():
        yield "filters", "joined by 'or', but there are none: no event will ever match", Severity.WARNING
    yield from _check_clauses(dependency.filters, joined_by_or=joined_by_or)


def _check_transform(transform: Transform) -> Iterator[Finding]:
    if transform.jq and transform.script:
        yield "transform.script", "jq is used, and the script is not", Severity.WARNING
    if transform.jq:
        try:
            compile_program(transform.jq)
        except JqFailed as exc:
            yield "transform.jq", f"not a jq program: {exc}", Severity.ERROR
    elif transform.script:
        if why := _bad_script(transform.script):
            yield "transform.script", f"not a Lua script: {why}", Severity.ERROR
    else:
        yield "transform", "neither jq nor script is given: the event stays as it is", Severity.WARNING


def _bad_script(text: str) -> str:
    try:
        compile_script(text)
    except LuaError as exc:
        return str(exc)
    return ""


def _check_exprs(filters: Filters, *, joined_by_or: bool) -> Iterator[Finding]:
    bad = {index: why for index, item in enumerate(filters.exprs) if (why := _unreadable(item.expr))}
    # An item that errs is made up for by one that holds, where one is enough.
    lost = len(bad) == len(filters.exprs) if filters.expr_logical_operator == "or" else not joined_by_or or 0 in bad
    for index, why in bad.items():
        place, severity = f"filters.exprs[{index}].expr", Severity.ERROR if lost else Severity.WARNING
        yield place, f"not an expression: {why}" + ("" if lost else "; the item always errs"), severity
    for index, item in enumerate(filters.exprs):
        if index not in bad and (unnamed := sorted(compile_expression(item.expr).names - {field.name for field in item.fields})):
            message = f"no field is named {', '.join(map(repr, unnamed))}: computing that part is an error"
            yield f"filters.exprs[{index}].expr", message, Severity.WARNING


def _unreadable(text: str) -> str:
    try:
        compile_expression(text)
    except ExpressionError as exc:
        return str(exc)
    return ""


def _check_clauses(filters: Filters, *, joined_by_or: bool) -> Iterator[Finding]:
    found = [list(_check_data(clause)) for clause in filters.data]
    bad = [any(severity is Severity.ERROR for *_, severity in findings) for findings in found]
    # As with expressions: one that holds is enough, where they are joined by 'or'. And a plain no before it is no error:
    # then another kind of filter may let the event pass.
    spared = (filters.data_logical_operator == "or" and not all(bad)) or (joined_by_or and bad[:1] != [True])
    for index, findings in enumerate(found):
        for place, message, severity in findings:
            if spared and severity is Severity.ERROR:
                yield f"filters.data[{index}].{place}", f"{message}; the clause always errs", Severity.WARNING
            else:
                yield f"filters.data[{index}].{place}", message, severity


def _check_data(clause: DataFilter) -> Iterator[Finding]:
    if clause.template:
        try:
            compile_template(clause.template)
        except ValueError as exc:
            yield "template", f"not a template: {exc}", Severity.ERROR
    if clause.type == "string":
        for index, why in bad_patterns(clause.value):
            if index == 0:
                yield "value[0]", f"not a pattern: {why}", Severity.ERROR
            else:
                yield f"value[{index}]", f"not a pattern: {why}; the clause errs where no earlier value holds", Severity.WARNING
    elif clause.type in _TYPES:
        bad = bad_truths(clause.value) if clause.type == "bool" else bad_numbers(clause.value)
        what = "truth value" if clause.type == "bool" else "number"
        for index in bad:
            when = "where no earlier value holds" if index else "on every event"
            yield f"value[{index}]", f"not a {what}: the clause errs {when}", Severity.WARNING
