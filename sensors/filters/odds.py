"""Clauses of a `data` filter that are at odds: each may hold, and no value satisfies both."""

from collections.abc import Iterator, Sequence
from math import inf

from manifests.objects import DataFilter
from manifests.words import quoted
from sensors.filters.comparisons import bad_patterns, bad_truths, needs
from sensors.filters.held import Key
from sensors.languages.gjson import compile_path
from sensors.languages.gonumbers import parse_float


def at_odds(clauses: Sequence[DataFilter]) -> Iterator[tuple[int, str]]:
    """The index of a clause that cannot hold together with an earlier one about the same value, and why."""
    by_path: dict[tuple[str, str], list[tuple[int, DataFilter]]] = {}
    for index, clause in enumerate(clauses):
        if not clause.template and compile_path(clause.path).plain is not None:
            by_path.setdefault((clause.path, clause.type), []).append((index, clause))
    for (path, kind), some in by_path.items():
        if len(some) > 1 and (_numbers_apart if kind == "number" else _keys_apart)([clause for _, clause in some]):
            first, last = some[0][0], some[-1][0]
            why = f"no value of {quoted(path)} satisfies this and filters.data[{first}], and both must hold"
            yield last, why


def _numbers_apart(clauses: Sequence[DataFilter]) -> bool:
    lows, highs = [(-inf, False)], [(inf, True)]
    exact: set[float] | None = None
    for clause in clauses:
        values = [number for value in clause.value if (number := parse_float(value)) is not None]
        if not values or len(values) < len(clause.value):
            return False  # said elsewhere
        if clause.comparator in ("", "="):
            exact = set(values) if exact is None else exact & set(values)
        elif clause.comparator in (">", ">="):
            lows.append((min(values), clause.comparator == ">"))
        elif clause.comparator in ("<", "<="):
            highs.append((max(values), clause.comparator == "<="))
    (low, above), (high, included) = max(lows), min(highs)
    if exact is not None:
        return not any(_between(one, low, above, high, included) for one in exact)
    return low > high or (low == high and (above or not included))


def _between(one: float, low: float, above: bool, high: float, included: bool) -> bool:
    return (one > low if above else one >= low) and (one <= high if included else one < high)


def _keys_apart(clauses: Sequence[DataFilter]) -> bool:
    """Whether what one clause lists exactly is ruled out by the others."""
    known = [needs(clause.type, clause.comparator, clause.value, clause.path) for clause in clauses if _readable(clause)]
    sets = [keys for keys in known if keys]
    exact = next((keys for keys in sets if all(key.what in ("exact", "truth") for key in keys)), None)
    if exact is None:
        return False
    return not any(all(any(_fits(one, other) for other in keys) for keys in sets) for one in exact)


def _readable(clause: DataFilter) -> bool:
    return not (bad_patterns(clause.value) if clause.type == "string" else bad_truths(clause.value))


def _fits(one: Key, other: Key) -> bool:
    if other.what == "text":
        return str(other.value) in str(one.value)
    return one.value == other.value
