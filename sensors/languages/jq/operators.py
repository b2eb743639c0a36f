"""jq's operators, as gojq has them: members by key, sizes bounded, deep comparisons counted."""

import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from purejq import compiler, ops
from purejq.errors import JqError

from sensors.languages.jq.bounds import MAX_SIZE, OutOfSteps, run
from sensors.languages.jq.text import Function, Json, described, is_number


def iterate(value: Json) -> Iterator[Json]:
    """`.[]`: elements in their order, members by key."""
    if isinstance(value, list):
        return iter(value)
    if isinstance(value, dict):
        return iter([value[key] for key in sorted(value)])
    raise JqError(f"cannot iterate over: {described(value)}")


_plain_add, _plain_multiply = ops.add_values, ops.mul_values


def add(left: Json, right: Json) -> Json:
    """`left + right`; null is neutral for truth values, too. Raises `OutOfSteps` for what grows too large."""
    if isinstance(left, str | list) and isinstance(right, str | list) and len(left) + len(right) > MAX_SIZE:
        raise OutOfSteps(f"a text or a list grows past {MAX_SIZE:,}")
    if (isinstance(left, bool) and right is None) or (isinstance(right, bool) and left is None):
        return left if right is None else right
    return _plain_add(left, right)


def multiply(left: Json, right: Json) -> Json:
    """`left * right`; a text times a number is repeated, on whichever side it stands. Raises `OutOfSteps`."""
    text, count = (left, right) if isinstance(left, str) else (right, left)
    if isinstance(text, str) and is_number(count):
        if math.isnan(count) or count < 0:
            return None
        if len(text) * min(count, 1e9) > MAX_SIZE:
            raise OutOfSteps(f"a text grows past {MAX_SIZE:,} characters")
        return text * int(count)
    return _plain_multiply(left, right)


def divide(left: Json, right: Json) -> Json:
    """`left / right`: whole where nothing is left over; a text is split."""
    if isinstance(left, str) and isinstance(right, str):
        return list(left) if right == "" else left.split(right) if left else []
    if not is_number(left) or not is_number(right):
        raise JqError(f"cannot divide: {described(left)} and {described(right)}")
    if right == 0:
        raise JqError(f"cannot divide {described(left)} by: {described(right)}")
    if isinstance(left, int) and isinstance(right, int) and left % right == 0:
        return left // right
    return left / right


_plain_index, _plain_compare = ops.index_value, ops._cmp  # noqa: SLF001


def index(value: Json, at: Json) -> Json:
    """`value[at]`: of a text its character, which the engine does not give."""
    if isinstance(value, str) and is_number(at):
        place = math.trunc(at) + (len(value) if at < 0 else 0) if math.isfinite(at) else -1
        return value[place] if 0 <= place < len(value) else None
    if value is None and isinstance(at, list | dict):
        return None
    return _plain_index(value, at)


def compare(left: Json, right: Json, depth: int, too_deep: str) -> int:
    """Less than, equal to or greater than zero. Whole numbers beside others are floats, as to gojq; what is nested counts."""
    if depth:
        run.spend()
    if is_number(left) and is_number(right) and type(left) is not type(right):
        left, right = float(left), float(right)
    return int(_plain_compare(left, right, depth, too_deep))


def alternative(tree: Any) -> Function:
    """`a // b`: what `a` gives that is neither null nor false, else `b`. An error of `a` is an error."""
    left, right = compiler.compile_v(tree[1]), compiler.compile_v(tree[2])

    def outputs(value: Json, env: object) -> Iterator[Json]:
        found = False
        for one in left(value, env):
            if ops.truthy(one):
                found = True
                yield one
        if not found:
            yield from right(value, env)

    return outputs


_plain_objects = compiler._V["object"]  # noqa: SLF001


def objects(tree: Any) -> Function:
    """`{a: f, …}`, one object after the other: what is wrong with a later one does not touch the first."""
    if all(compiler._single_getter(value) is not None for _, value in tree[1]):  # noqa: SLF001
        plain: Function = _plain_objects(tree)
        return plain
    members = [(compiler.compile_v(key), compiler.compile_v(value)) for key, value in tree[1]]

    def outputs(value: Json, env: object) -> Iterator[Json]:
        yield from _objects(members, {}, value, env)

    return outputs


def _objects(members: list[tuple[Any, Any]], made: dict[str, Json], value: Json, env: object) -> Iterator[Json]:
    if not members:
        yield made
        return
    (keys, values), *others = members
    for key in keys(value, env):
        if not isinstance(key, str):
            raise JqError(f"expected a string for object key but got: {described(key)}")
        for one in values(value, env):
            yield from _objects(others, {**made, key: one}, value, env)


def alternative_paths(tree: Any) -> Callable[..., Iterator[tuple[list[Json], Json]]]:
    """`a // b` as paths, as in `(.a // .b) |= 1`."""
    left, right = compiler.compile_p(tree[1]), compiler.compile_p(tree[2])

    def paths(value: Json, path: list[Json], env: object) -> Iterator[tuple[list[Json], Json]]:
        found = False
        for so_far, one in left(value, path, env):
            if ops.truthy(one):
                found = True
                yield so_far, one
        if not found:
            yield from right(value, path, env)

    return paths


def limited(value: Json, env: object, counts: Any, stream: Any) -> Iterator[Json]:
    """`limit(n; f)`."""
    del env
    for most in counts.vals(value):
        yield from islice(stream.vals(value), _most(most))


def limited_paths(value: Json, path: list[Json], env: object, counts: Any, stream: Any) -> Iterator[tuple[list[Json], Json]]:
    """`limit(n; f)` as paths."""
    del env
    for most in counts.vals(value):
        yield from islice(stream.paths(value, path), _most(most))


def nth(value: Json, env: object, counts: Any, stream: Any) -> Iterator[Json]:
    """`nth(n; f)`."""
    del env
    for at in counts.vals(value):
        yield from islice(stream.vals(value), *_place(at))


def nth_paths(value: Json, path: list[Json], env: object, counts: Any, stream: Any) -> Iterator[tuple[list[Json], Json]]:
    """`nth(n; f)` as paths."""
    del env
    for at in counts.vals(value):
        yield from islice(stream.paths(value, path), *_place(at))


def _place(at: Json) -> tuple[int, int]:
    _most(at)
    return math.trunc(at), math.trunc(at) + 1


def _most(count: Json) -> int:
    if not is_number(count):
        raise JqError(f"cannot subtract: {described(count)} and number (1)")
    if count < 0:
        raise JqError(f"a count cannot be negative: {count}")
    return int(min(math.ceil(count), MAX_SIZE))


def iterated_paths(tree: Any) -> Callable[..., Iterator[tuple[list[Json], Json]]]:
    """`.[]` as a path: members by key."""
    base = compiler.compile_p(tree[1])

    def paths(value: Json, path: list[Json], env: object) -> Iterator[tuple[list[Json], Json]]:
        for so_far, one in base(value, path, env):
            if isinstance(one, list):
                yield from (([*so_far, index], element) for index, element in enumerate(one))
            elif isinstance(one, dict):
                yield from (([*so_far, key], one[key]) for key in sorted(one))
            else:
                raise JqError(f"cannot iterate over: {described(one)}")

    return paths
