"""jq's functions that gojq has otherwise than the engine, by name and number of arguments.

Each gives its outputs for a value; arguments come as functions of that value, for each may have several outputs itself.
"""

import functools
import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

from purejq import builtins, ops
from purejq.errors import JqError

from sensors.languages.jq.bounds import run
from sensors.languages.jq.formats import format_by_name, with_years, within_time
from sensors.languages.jq.mathematics import MATHEMATICS
from sensors.languages.jq.operators import add, iterate, limited, nth
from sensors.languages.jq.text import Function, Json, NumberText, described, encode, is_number


def _from_json(value: Json, env: object) -> Iterator[Json]:
    del env
    if not isinstance(value, str):
        raise JqError(f"fromjson cannot be applied to: {described(value)}")
    try:
        yield json.loads(value, parse_float=NumberText, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise JqError(f"fromjson cannot be applied to {described(value)}: it is no JSON") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _only(kinds: type | tuple[type, ...], name: str) -> Callable[[Function], Function]:
    """What gojq refuses for values of other kinds."""

    def wrap(plain: Function) -> Function:
        def call(value: Json, env: object, *arguments: Any) -> Iterator[Json]:
            if not isinstance(value, kinds) or isinstance(value, bool):
                raise JqError(f"{name} cannot be applied to: {described(value)}")
            return plain(value, env, *arguments)

        return call

    return wrap


def _has(value: Json, env: object, keys: Any) -> Iterator[Json]:
    """Null has nothing, whatever is asked for."""
    if value is not None:
        yield from _plain_has(value, env, keys)
        return
    for _ in keys.vals(value):
        yield False


def _broken_down(value: Json, env: object) -> Iterator[Json]:
    if not is_number(value):
        raise JqError(f"gmtime cannot be applied to: {described(value)}")
    whole = math.trunc(value)
    (parts,) = _plain_gmtime(whole, env)
    parts[5] += abs(value - whole)
    yield parts


def _epoch(value: Json, env: object) -> Iterator[Json]:
    for seconds in _plain_mktime(value, env):
        below = value[5] % 1 if len(value) > 5 else 0  # the engine has made sure of numbers
        yield seconds + below if below else seconds


_plain_mktime = builtins.PY_BUILTINS["mktime", 0]


_plain_gmtime = builtins.PY_BUILTINS["gmtime", 0]


def _is_nan(value: Json, env: object) -> Iterator[Json]:
    del env
    if value is None:
        yield False
        return
    if not is_number(value):
        raise JqError(f"isnan cannot be applied to: {described(value)}")
    yield math.isnan(value)


def _is_finite(value: Json, env: object) -> Iterator[Json]:
    del env
    yield is_number(value) and math.isfinite(value)


def _is_normal(value: Json, env: object) -> Iterator[Json]:
    del env
    yield is_number(value) and math.isfinite(value) and abs(value) >= sys.float_info.min


def _chosen(test: Function) -> Function:
    def choose(value: Json, env: object) -> Iterator[Json]:
        if next(test(value, env)):
            yield value

    return choose


_plain_has = builtins.PY_BUILTINS["has", 1]
_ORDER = functools.cmp_to_key(ops.jq_cmp)


def _smallest(value: Json, env: object) -> Iterator[Json]:
    """The first of the smallest; null is smaller than all others."""
    del env
    if not isinstance(value, list):
        raise JqError(f"min cannot be applied to: {described(value)}")
    yield min(value, key=_ORDER) if value else None


def _smallest_by(value: Json, env: object, key: Any) -> Iterator[Json]:
    del env
    if not isinstance(value, list):
        raise JqError(f"min_by cannot be applied to: {described(value)}")
    keyed = [(list(key.vals(element)), element) for element in value]
    yield min(keyed, key=lambda pair: _ORDER(pair[0]))[1] if keyed else None


def _stream(value: Json, env: object) -> Iterator[Json]:
    del env
    yield from _events(value, [])


def _events(value: Json, path: list[Json]) -> Iterator[Json]:
    members = list(enumerate(value)) if isinstance(value, list) else sorted(value.items()) if isinstance(value, dict) else []
    if not members:
        yield [path, value]
        return
    for key, member in members:
        yield from _events(member, [*path, key])
    yield [[*path, members[-1][0]]]


def _added(value: Json, env: object) -> Iterator[Json]:
    del env
    if not isinstance(value, list | dict):
        raise JqError(f"add cannot be applied to: {described(value)}")
    total: Json = None
    for one in iterate(value):
        total = add(total, one)
    yield total


def _flattened(plain: Function) -> Function:
    def flatten(value: Json, env: object, *depth: Any) -> Iterator[Json]:
        return plain(list(iterate(value)) if isinstance(value, dict) else value, env, *depth)

    return flatten


def _split(value: Json, env: object, separators: Any) -> Iterator[Json]:
    del env
    for separator in separators.vals(value):
        if not isinstance(value, str) or not isinstance(separator, str):
            raise JqError(f"split cannot be applied to: {described(value)}")
        yield list(value) if separator == "" else value.split(separator)


def _transpose(value: Json, env: object) -> Iterator[Json]:
    del env
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise JqError(f"transpose cannot be applied to: {described(value)}")
    width = max(map(len, value), default=0)
    yield [[row[index] if index < len(row) else None for row in value] for index in range(width)]


def _entries(value: Json, env: object) -> Iterator[Json]:
    del env
    if isinstance(value, dict):
        yield [{"key": key, "value": value[key]} for key in sorted(value)]
    elif isinstance(value, list):
        yield [{"key": index, "value": element} for index, element in enumerate(value)]
    else:
        raise JqError(f"keys cannot be applied to: {described(value)}")


def _names(value: Json, env: object) -> Iterator[Json]:
    del env
    if isinstance(value, dict):
        yield sorted(value)
    elif isinstance(value, list):
        yield list(range(len(value)))
    else:
        raise JqError(f"keys cannot be applied to: {described(value)}")


_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def _to_number(value: Json, env: object) -> Iterator[Json]:
    del env
    if is_number(value):
        yield value
        return
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise JqError(f"tonumber cannot be applied to: {described(value)}")
    yield int(value) if value.lstrip("+-").isdigit() and len(value) < 400 else float(value)


def _trimmed(cut: Callable[[str, str], str], name: str) -> Function:
    def trim(value: Json, env: object, argument: Any) -> Iterator[Json]:
        del env
        for affix in argument.vals(value):
            if not isinstance(value, str) or not isinstance(affix, str):
                raise JqError(f"{name}({encode(affix)}) cannot be applied to: {described(value)}")
            yield cut(value, affix)

    return trim


def _implode(value: Json, env: object) -> Iterator[Json]:
    del env
    if not isinstance(value, list) or not all(is_number(code) for code in value):
        raise JqError(f"implode cannot be applied to: {described(value)}")
    yield "".join(chr(int(code)) if 0 <= code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else "\ufffd" for code in value)


def _join(value: Json, env: object, separators: Any) -> Iterator[Json]:
    del env
    for separator in separators.vals(value):
        if not isinstance(value, list | dict):
            raise JqError(f"join({encode(separator)}) cannot be applied to: {described(value)}")
        joined: Json = None
        for number, element in enumerate(iterate(value)):
            text = encode(element) if is_number(element) or isinstance(element, bool) else element
            joined = add(add(joined, separator if number else ""), text)
        yield "" if joined is None else joined


def _now(value: Json, env: object) -> Iterator[Json]:
    del value, env
    yield run.now_s


def _nothing(value: Json, env: object) -> Iterator[Json]:
    del value, env
    yield {}


def _refused(name: str) -> Function:
    def refuse(*args: object) -> Iterator[Json]:
        del args
        raise JqError(f"{name} is not available here")

    return refuse


def _passed(value: Json, env: object, *messages: object) -> Iterator[Json]:
    del env, messages
    yield value


REPLACED: dict[tuple[str, int], Function] = {
    ("keys", 0): _names,
    ("keys_unsorted", 0): _names,
    ("to_entries", 0): _entries,
    ("tonumber", 0): _to_number,
    ("ltrimstr", 1): _trimmed(str.removeprefix, "ltrimstr"),
    ("rtrimstr", 1): _trimmed(str.removesuffix, "rtrimstr"),
    ("implode", 0): _implode,
    ("join", 1): _join,
    ("now", 0): _now,
    ("env", 0): _nothing,
    ("$ENV", 0): _nothing,
    ("input", 0): _refused("input"),
    ("inputs", 0): _refused("inputs"),
    ("fromjson", 0): _from_json,
    ("debug", 1): _passed,
    ("has", 1): _has,
    **MATHEMATICS,
    ("isnan", 0): _is_nan,
    ("isfinite", 0): _is_finite,
    ("isnormal", 0): _is_normal,
    ("finites", 0): _chosen(_is_finite),
    ("normals", 0): _chosen(_is_normal),
    ("min", 0): _smallest,
    ("min_by", 1): _smallest_by,
    ("format", 1): format_by_name,
    ("gmtime", 0): within_time(_broken_down),
    ("mktime", 0): within_time(_epoch),
    ("strftime", 1): within_time(with_years(builtins.PY_BUILTINS["strftime", 1])),
    ("limit", 2): limited,
    ("nth", 2): nth,
    ("add", 0): _added,
    ("split", 1): _split,
    ("flatten", 0): _flattened(builtins.PY_BUILTINS["flatten", 0]),
    ("flatten", 1): _flattened(builtins.PY_BUILTINS["flatten", 1]),
    ("tostream", 0): _stream,
    ("transpose", 0): _transpose,
    ("reverse", 0): _only(list, "reverse")(builtins.PY_BUILTINS["reverse", 0]),
    ("abs", 0): _only((int, float), "abs")(lambda value, env: iter((abs(value),))),
}
