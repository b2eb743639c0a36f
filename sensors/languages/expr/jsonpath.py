"""`jsonpath(text, path)`: members, elements, slices, wildcards, unions and descent. Filters and scripts are refused.

A path that names one place gives its value, any other a list. Semantics: JSONPath as RFC 9535 has it, as far as it goes.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sensors.languages.document import DocumentError, lenient_decode
from sensors.languages.expr.builtins import as_floats
from sensors.languages.expr.words import ExprError

MAX_RESULTS = 100_000

_NAME = re.compile(r"[^\s.\[\]'\"*()?@$,:]+")
_INDEX = re.compile(r"-?[0-9]{1,9}")
_SLICE = re.compile(r"(-?[0-9]{1,9})?:(-?[0-9]{1,9})?(?::(-?[0-9]{1,9})?)?")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")

Select = Callable[[Any], Iterator[Any]]


class _Step(NamedTuple):
    select: Select
    single: bool
    """Whether it names one place."""
    deep: bool
    """Whether it is also looked for below."""


def query(document: str, path: str) -> Any:
    """What `path` names in the JSON text `document`. Raises `ExprError` where nothing is there, or either cannot be read."""
    try:
        found = [as_floats(lenient_decode(document))]
    except (DocumentError, RecursionError):
        raise ExprError("jsonpath: the first argument is no JSON text; use toJson to make one") from None
    steps = list(_steps(path))
    for step in steps:
        places = [below for value in found for below in _descent(value)] if step.deep else found
        found = []
        for value in places:
            found.extend(step.select(value))
            if len(found) > MAX_RESULTS:
                raise ExprError(f"jsonpath: more than {MAX_RESULTS} results")
    if all(step.single and not step.deep for step in steps):
        if not found:
            raise ExprError(f"jsonpath: there is nothing at {path[:80]}")
        return found[0]
    return found


def _descent(value: Any) -> Iterator[Any]:
    left = [value]
    while left:
        value = left.pop()
        yield value
        left.extend(reversed(list(_children(value))))


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _steps(path: str) -> Iterator[_Step]:
    text = path.strip()
    if not text.startswith("$"):
        raise ExprError("jsonpath: a path begins with $")
    at = 1
    while at < len(text):
        deep = text.startswith("..", at)
        dotted = deep or text[at] == "."
        at += 2 if deep else dotted
        if text[at : at + 1] == "[":
            selects, at = _bracket(text, at)
            yield _Step(_union([select for select, _ in selects]), len(selects) == 1 and selects[0][1], deep)
        elif not dotted:
            raise _bad(text, at)
        elif text[at : at + 1] == "*":
            at += 1
            yield _Step(_children, False, deep)
        elif (name := _NAME.match(text, at)) is not None:
            at = name.end()
            yield _Step(_member(name[0]), True, deep)
        else:
            raise _bad(text, at)


def _bad(text: str, at: int) -> ExprError:
    return ExprError(f"jsonpath: {text[:80]} cannot be read from character {at + 1} on; filters and scripts are not supported")


def _bracket(text: str, at: int) -> tuple[list[tuple[Select, bool]], int]:
    selects: list[tuple[Select, bool]] = []
    while True:
        at += 1
        while text[at : at + 1] == " ":
            at += 1
        select, at = _selector(text, at)
        selects.append(select)
        while text[at : at + 1] == " ":
            at += 1
        if text[at : at + 1] == "]":
            return selects, at + 1
        if text[at : at + 1] != ",":
            raise _bad(text, at)


def _selector(text: str, at: int) -> tuple[tuple[Select, bool], int]:
    if text[at : at + 1] == "*":
        return (_children, False), at + 1
    if (quoted := _QUOTED.match(text, at)) is not None:
        name = re.sub(r"\\(.)", r"\1", quoted[1] if quoted[1] is not None else quoted[2])
        return (_member(name), True), quoted.end()
    if (bounds := _SLICE.match(text, at)) is not None:
        return (_slice(*(None if part is None else int(part) for part in bounds.groups())), False), bounds.end()
    if (index := _INDEX.match(text, at)) is not None:
        return (_element(int(index[0])), True), index.end()
    raise _bad(text, at)


def _union(selects: list[Select]) -> Select:
    return lambda value: (found for select in selects for found in select(value))


def _member(name: str) -> Select:
    return lambda value: iter([value[name]] if isinstance(value, dict) and name in value else [])


def _element(index: int) -> Select:
    return lambda value: iter([value[index]] if isinstance(value, list) and -len(value) <= index < len(value) else [])


def _slice(start: int | None = None, stop: int | None = None, step: int | None = None) -> Select:
    return lambda value: iter(value[start:stop:step] if isinstance(value, list) and step != 0 else [])
