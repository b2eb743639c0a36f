"""Filters that no event can satisfy, as far as that shows without one: what is said is certain, and not all is said."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from manifests.objects import ContextFilter, DataFilter, Dependency, ExprFilter, Filters
from manifests.words import did_you_mean, quoted
from sensors.filters.comparisons import bad_numbers, bad_patterns, bad_truths, needs
from sensors.filters.odds import at_odds
from sensors.languages.expression_words import ExpressionError, Kind, read_words
from sensors.languages.expressions import compile_expression

_RETURNS = re.compile(r"\breturn\b")
_COUNT = re.compile(r"[0-9]*")
_IN_PARENTHESES = re.compile(r"\([^()]*\)")
_OF_EACH = re.compile(r"(?:^|\.)#(?:<>#(?:$|\.)|\.)")


class Never(NamedTuple):
    """What cannot come true: where in the dependency, and why; the reason is empty where compiling gives it, too."""

    where: str
    why: str


def never(dependency: Dependency) -> list[Never]:
    """Why `dependency` cannot match any event; empty where it may."""
    filters = dependency.filters
    if filters is None:
        return []
    kinds = [kind for kind in _kinds(dependency, filters) if kind is not None]
    if dependency.filters_logical_operator == "or":
        return [one for kind in kinds for one in kind] if all(kinds) else []
    return [one for kind in kinds for one in kind]


def _kinds(dependency: Dependency, filters: Filters) -> Iterator[list[Never] | None]:
    """For each kind of filter what makes it impossible; None where there is no such filter."""
    found = [list(_expr(item, f"filters.exprs[{index}]")) for index, item in enumerate(filters.exprs)]
    yield _joined(found, filters.expr_logical_operator) if filters.exprs else None
    found = [list(_data(item, f"filters.data[{index}]")) for index, item in enumerate(filters.data)]
    certain = _joined(found, filters.data_logical_operator) if filters.data else None
    if certain == [] and filters.data_logical_operator != "or":
        certain = [Never(f"filters.data[{index}]", why) for index, why in at_odds(filters.data)]
    yield certain
    yield list(_context(filters.context, dependency)) if filters.context is not None else None
    yield [] if filters.time is not None else None
    yield list(_script(filters.script)) if filters.script else None


def _joined(found: Sequence[list[Never]], operator: str) -> list[Never]:
    every = [one for item in found for one in item]
    return every if operator != "or" or all(found) else []


def _data(clause: DataFilter, where: str) -> Iterator[Never]:
    if clause.template:
        return  # it may print anything
    if clause.type == "string" and clause.comparator not in ("", "=", "!="):
        yield Never(f"{where}.comparator", f"text is compared by '=' and '!=' only: {quoted(clause.comparator)} never holds")
    elif clause.type == "string" and clause.comparator != "!=" and _counts(clause.path) and not _may_be_count(clause.value):
        yield Never(f"{where}.value", f"{quoted(clause.path)} is a count, and no count looks like {quoted(clause.value[0])}")
    elif clause.type in ("number", "bool"):
        bad = bad_numbers(clause.value) if clause.type == "number" else bad_truths(clause.value)
        if 0 in bad:
            yield Never(f"{where}.value[0]", "")


def _counts(path: str) -> bool:
    return path == "#" or (path.endswith(".#") and "|" not in path and "@" not in path)


def _may_be_count(values: Sequence[str]) -> bool:
    """Whether a number in decimal may match one of the patterns: what they must contain are digits."""
    known = None if bad_patterns(values) else needs("string", "", values, "x")
    return known is None or any(_COUNT.fullmatch(str(key.value)) for key in known)


def _expr(item: ExprFilter, where: str) -> Iterator[Never]:
    try:
        expression, words = compile_expression(item.expr), read_words(item.expr)
    except ExpressionError:
        return  # said elsewhere
    if not expression.names:
        try:
            holds = expression.compute({}) is True
        except ExpressionError:
            holds = False
        if not holds:
            yield Never(f"{where}.expr", "it names no field and is not true: it holds for no event")
        return
    kinds = {word.kind for word in words}
    inverted = any(word.kind is Kind.PREFIX and word.value == "!" for word in words)
    if Kind.MODIFIER in kinds and not inverted and not kinds & {Kind.COMPARATOR, Kind.LOGIC, Kind.TERNARY, Kind.SEPARATOR}:
        yield Never(f"{where}.expr", "it gives a number or a text, and only true counts: it holds for no event")


def _context(wanted: ContextFilter, dependency: Dependency) -> Iterator[Never]:
    pairs = (
        ("source", wanted.source, dependency.event_source_name, "the event source"),
        ("subject", wanted.subject, dependency.event_name, "the event's name"),
    )
    for name, value, own, what in pairs:
        if value and value != own:
            why = f"{quoted(value)} is never {what} here, which is {quoted(own)}{did_you_mean(value, [own])}"
            yield Never(f"filters.context.{name}", why)


def _script(text: str) -> Iterator[Never]:
    if not _RETURNS.search(text):
        yield Never("filters.script", "there is no 'return' in it, and only returning true counts: it holds for no event")


def doubtful(clause: DataFilter) -> str:
    """What about `clause` runs otherwise than its author may think; empty where nothing is known."""
    path = clause.path
    while (inner := _IN_PARENTHESES.sub("<>", path)) != path:
        path = inner
    listed = _OF_EACH.search(path) is not None and "|" not in path and "@" not in path
    if listed and clause.type in ("number", "bool") and not clause.template:
        said = "0" if clause.type == "number" else "false"
        hint = "'#(…)' without the last '#' gives the first, '.#' how many there are"
        return f"{quoted(clause.path)} is always a list, which counts as {said}; {hint}"
    return ""
