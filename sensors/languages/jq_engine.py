"""The jq engine, made to behave as gojq does, and bounded.

purejq follows the jq program; Argo Events runs gojq. What differs and manifests can see is put in here, once for the process:
the order of an object's members, numbers as text, RE2 patterns, the environment (there is none), and steps that are counted.

Semantics: gojq 0.12.19.
"""

import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any

import purejq
from purejq import builtins, compiler, encoder, ops, prelude
from purejq.errors import JqError
from purejq.parser import parse

from sensors.languages.gonumbers import format_float
from sensors.languages.jq_replacing import replace
from sensors.languages.patterns import PatternError, compile_pattern

MAX_STEPS = 100_000
"""Calls of functions and values of ranges in one run."""
MAX_SIZE = 1 << 20
"""Characters of a text and elements of a list that a program builds."""

Json = Any


class OutOfSteps(Exception):
    """The program asks for more than it may use."""


class _Steps:
    """What is left of the run at hand."""

    def __init__(self) -> None:
        self.begin()

    def spend(self) -> None:
        """One step. Raises `OutOfSteps`."""
        self.left -= 1
        if self.left < 0:
            raise OutOfSteps(self._reason)

    def begin(self) -> None:
        """A run begins."""
        self.left, self._reason = MAX_STEPS, f"it needs more than {MAX_STEPS:,} steps"

    def exhaust(self) -> None:
        """The run has taken too long: its next step is one too many."""
        self.left, self._reason = 0, "it needs more processor time than it may use"


steps = _Steps()


class Clock:
    """The time that `now` gives: that of the decision."""

    seconds = 0.0


def number_text(number: float) -> str:
    """A number in JSON as gojq writes it; an infinity is the largest number, no number is null."""
    if isinstance(number, NumberText):
        return number.text
    if isinstance(number, int):
        return str(number)
    if math.isnan(number):
        return "null"
    number = min(max(number, -1.7976931348623157e308), 1.7976931348623157e308)
    if number == 0 or 1e-6 <= abs(number) < 1e21:
        return "-0" if number == 0 and math.copysign(1.0, number) < 0 else format_float(number)
    mantissa, _, exponent = repr(number).partition("e")
    short = exponent[0] + exponent[1:].lstrip("0") if exponent[0] == "-" else exponent
    return f"{mantissa.removesuffix('.0')}e{short}"


def encode(value: Json, sort_keys: bool = False, ascii: bool = False) -> str:
    """JSON in gojq's spelling: members by key, no blanks."""
    del sort_keys, ascii
    parts: list[str] = []
    _encode(value, parts)
    text = "".join(parts)
    if len(text) > 8 * MAX_SIZE:
        raise OutOfSteps(f"a text grows past {8 * MAX_SIZE} characters")
    return text


def _encode(value: Json, parts: list[str]) -> None:
    if isinstance(value, str):
        parts.append(encoder._escape_string(value))  # noqa: SLF001 - the engine's own spelling of strings
    elif value is None or isinstance(value, bool):
        parts.append("null" if value is None else "true" if value else "false")
    elif isinstance(value, int | float):
        parts.append(number_text(value))
    elif isinstance(value, list):
        _joined(parts, "[", "]", [(None, element) for element in value])
    else:
        _joined(parts, "{", "}", sorted(value.items()))


def _joined(parts: list[str], begin: str, end: str, members: list[tuple[str | None, Json]]) -> None:
    steps.spend()
    parts.append(begin)
    for number, (key, member) in enumerate(members):
        if number:
            parts.append(",")
        if key is not None:
            parts.append(encoder._escape_string(key) + ":")  # noqa: SLF001
        _encode(member, parts)
    parts.append(end)


def _iterate(value: Json) -> Iterator[Json]:
    if isinstance(value, list):
        return iter(value)
    if isinstance(value, dict):
        return iter([value[key] for key in sorted(value)])
    raise JqError(f"cannot iterate over: {_described(value)}")


def _described(value: Json) -> str:
    return f"{ops.type_name(value)} ({ops._short(value)})"  # noqa: SLF001


def _number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_plain_add, _plain_multiply = ops.add_values, ops.mul_values


def _add(left: Json, right: Json) -> Json:
    if isinstance(left, str | list) and isinstance(right, str | list) and len(left) + len(right) > MAX_SIZE:
        raise OutOfSteps(f"a text or a list grows past {MAX_SIZE:,}")
    if (isinstance(left, bool) and right is None) or (isinstance(right, bool) and left is None):
        return left if right is None else right
    return _plain_add(left, right)


def _multiply(left: Json, right: Json) -> Json:
    text, count = (left, right) if isinstance(left, str) else (right, left)
    if isinstance(text, str) and _number(count):
        if math.isnan(count) or count < 0:
            return None
        if len(text) * min(count, 1e9) > MAX_SIZE:
            raise OutOfSteps(f"a text grows past {MAX_SIZE:,} characters")
        return text * int(count)
    return _plain_multiply(left, right)


def _divide(left: Json, right: Json) -> Json:
    if isinstance(left, str) and isinstance(right, str):
        return list(left) if right == "" else left.split(right) if left else []
    if not _number(left) or not _number(right):
        raise JqError(f"cannot divide: {_described(left)} and {_described(right)}")
    if right == 0:
        raise JqError(f"cannot divide {_described(left)} by: {_described(right)}")
    if isinstance(left, int) and isinstance(right, int) and left % right == 0:
        return left // right
    return left / right


def _calls(plain: Callable[..., Iterator[Json]]) -> Callable[..., Iterator[Json]]:
    """A call that counts."""

    def call(*args: Any, **named: Any) -> Iterator[Json]:
        steps.spend()
        return plain(*args, **named)

    return call


def _counted(plain: Callable[..., Iterator[Json]]) -> Callable[..., Iterator[Json]]:
    """A stream of which each value counts."""

    def stream(*args: Any) -> Iterator[Json]:
        for value in plain(*args):
            steps.spend()
            yield value

    return stream


_plain_index, _plain_compare = ops.index_value, ops._cmp  # noqa: SLF001


def _index(value: Json, at: Json) -> Json:
    if isinstance(value, str) and _number(at):
        place = math.floor(at) + (len(value) if at < 0 else 0) if math.isfinite(at) else -1
        return value[place] if 0 <= place < len(value) else None
    return _plain_index(value, at)


def _compare(left: Json, right: Json, depth: int, too_deep: str) -> int:
    if depth:
        steps.spend()
    if _number(left) and _number(right) and type(left) is not type(right):
        left, right = float(left), float(right)
    return int(_plain_compare(left, right, depth, too_deep))


def _alternative(tree: Any) -> Callable[..., Iterator[Json]]:
    """`a // b`: what `a` gives that is neither null nor false, else `b`. An error of `a` is an error."""
    left, right = compiler.compile_v(tree[1]), compiler.compile_v(tree[2])

    def run(value: Json, env: object) -> Iterator[Json]:
        found = False
        for one in left(value, env):
            if ops.truthy(one):
                found = True
                yield one
        if not found:
            yield from right(value, env)

    return run


def _iterated_paths(tree: Any) -> Callable[..., Iterator[tuple[list[Json], Json]]]:
    """`.[]` as a path: members by key."""
    base = compiler.compile_p(tree[1])

    def run(value: Json, path: list[Json], env: object) -> Iterator[tuple[list[Json], Json]]:
        for so_far, one in base(value, path, env):
            if isinstance(one, list):
                yield from (([*so_far, index], element) for index, element in enumerate(one))
            elif isinstance(one, dict):
                yield from (([*so_far, key], one[key]) for key in sorted(one))
            else:
                raise JqError(f"cannot iterate over: {_described(one)}")

    return run


class NumberText(float):
    """A number that prints as it was read."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> "NumberText":
        """From its text."""
        made = super().__new__(cls, text)
        made.text = text
        return made


def _from_json(value: Json, env: object) -> Iterator[Json]:
    del env
    if not isinstance(value, str):
        raise JqError(f"fromjson cannot be applied to: {_described(value)}")
    try:
        yield json.loads(value, parse_float=NumberText, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise JqError(f"fromjson cannot be applied to {_described(value)}: it is no JSON") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _only(kinds: type | tuple[type, ...], name: str) -> Callable[[Callable[..., Iterator[Json]]], Callable[..., Iterator[Json]]]:
    """What gojq refuses for values of other kinds."""

    def wrap(plain: Callable[..., Iterator[Json]]) -> Callable[..., Iterator[Json]]:
        def call(value: Json, env: object, *arguments: Any) -> Iterator[Json]:
            if not isinstance(value, kinds) or isinstance(value, bool):
                raise JqError(f"{name} cannot be applied to: {_described(value)}")
            return plain(value, env, *arguments)

        return call

    return wrap


# Patterns.


def _compiled(pattern: Json, flags: Json) -> tuple[Any, bool]:
    if not isinstance(pattern, str) or not isinstance(flags, str | None):
        raise JqError(f"a pattern must be a string, got: {_described(pattern)}")
    flags = flags or ""
    if set(flags) - set("gim"):
        raise JqError(f"unsupported regular expression flag: {encode(flags)}")
    try:
        compiled = compile_pattern(("(?s)" if "m" in flags else "") + ("(?i)" if "i" in flags else "") + pattern)
    except PatternError as exc:
        raise JqError(f"invalid regular expression {encode(pattern)}: {exc}") from None
    return compiled, "g" in flags


def _match(found: Any) -> dict[str, Json]:
    names = {index: name for name, index in found.re.groupindex.items()}
    captures = [_capture(found, index, names.get(index)) for index in range(1, found.re.groups + 1)]
    return {"offset": found.start(), "length": found.end() - found.start(), "string": found.group(), "captures": captures}


def _capture(found: Any, index: int, name: str | None) -> dict[str, Json]:
    text = found.group(index)
    if text is None:
        return {"name": name, "offset": -1, "length": 0, "string": None}
    return {"name": name, "offset": found.start(index), "length": len(text), "string": text}


def _captured(found: Any) -> dict[str, Json]:
    return {name: found.group(name) for name in found.re.groupindex}


def _matches(pattern: Any, text: str, every: bool) -> Iterator[Any]:
    """Go's matches: none that is empty right behind the one before."""
    at, last = 0, -1
    while at <= len(text):
        steps.spend()
        found = pattern.search(text, at)
        if found is None:
            return
        empty = found.end() == found.start()
        if not (empty and found.start() == last):
            yield found
            if not every:
                return
        last = found.end()
        at = found.end() + 1 if empty else found.end()


# Functions of their own.


def _total(plain: Callable[..., Iterator[Json]]) -> Callable[..., Iterator[Json]]:
    """Mathematics without exceptions: what is no number is NaN."""

    def call(value: Json, env: object, *arguments: Any) -> Iterator[Json]:
        try:
            for made in plain(value, env, *arguments):
                yield float(made) if isinstance(made, int) else made
        except ValueError:
            yield math.nan
        except OverflowError:
            yield math.inf

    return call


_MATHEMATICS = frozenset(
    [
        "sqrt",
        "log",
        "log2",
        "log10",
        "log1p",
        "exp",
        "exp2",
        "exp10",
        "expm1",
        "asin",
        "acos",
        "atanh",
        "acosh",
        "sinh",
        "cosh",
        "tgamma",
        "gamma",
        "lgamma",
        "floor",
        "ceil",
        "round",
        "trunc",
    ]
)


def _has(value: Json, env: object, keys: Any) -> Iterator[Json]:
    if value is not None:
        yield from _plain_has(value, env, keys)
        return
    for key in keys.vals(value):
        if not isinstance(key, str) and not _number(key):
            raise JqError(f"has({encode(key)}) cannot be applied to: null")
        yield False


_plain_has = builtins.PY_BUILTINS["has", 1]


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


def _sum(value: Json, env: object) -> Iterator[Json]:
    del env
    if not isinstance(value, list | dict):
        raise JqError(f"add cannot be applied to: {_described(value)}")
    total: Json = None
    for one in _iterate(value):
        total = _add(total, one)
    yield total


def _flattened(plain: Callable[..., Iterator[Json]]) -> Callable[..., Iterator[Json]]:
    def flatten(value: Json, env: object, *depth: Any) -> Iterator[Json]:
        return plain(list(_iterate(value)) if isinstance(value, dict) else value, env, *depth)

    return flatten


def _split(value: Json, env: object, separators: Any) -> Iterator[Json]:
    del env
    for separator in separators.vals(value):
        if not isinstance(value, str) or not isinstance(separator, str):
            raise JqError(f"split cannot be applied to: {_described(value)}")
        yield list(value) if separator == "" else value.split(separator)


def _transpose(value: Json, env: object) -> Iterator[Json]:
    del env
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise JqError(f"transpose cannot be applied to: {_described(value)}")
    width = max(map(len, value), default=0)
    yield [[row[index] if index < len(row) else None for row in value] for index in range(width)]


def _entries(value: Json, env: object) -> Iterator[Json]:
    del env
    if isinstance(value, dict):
        yield [{"key": key, "value": value[key]} for key in sorted(value)]
    elif isinstance(value, list):
        yield [{"key": index, "value": element} for index, element in enumerate(value)]
    else:
        raise JqError(f"keys cannot be applied to: {_described(value)}")


def _names(value: Json, env: object) -> Iterator[Json]:
    del env
    if isinstance(value, dict):
        yield sorted(value)
    elif isinstance(value, list):
        yield list(range(len(value)))
    else:
        raise JqError(f"keys cannot be applied to: {_described(value)}")


_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def _to_number(value: Json, env: object) -> Iterator[Json]:
    del env
    if _number(value):
        yield value
        return
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise JqError(f"tonumber cannot be applied to: {_described(value)}")
    yield int(value) if value.lstrip("+-").isdigit() and len(value) < 400 else float(value)


def _trimmed(cut: Callable[[str, str], str], name: str) -> Callable[..., Iterator[Json]]:
    def trim(value: Json, env: object, argument: Any) -> Iterator[Json]:
        del env
        for affix in argument.vals(value):
            if not isinstance(value, str) or not isinstance(affix, str):
                raise JqError(f"{name}({encode(affix)}) cannot be applied to: {_described(value)}")
            yield cut(value, affix)

    return trim


def _implode(value: Json, env: object) -> Iterator[Json]:
    del env
    if not isinstance(value, list) or not all(_number(code) for code in value):
        raise JqError(f"implode cannot be applied to: {_described(value)}")
    yield "".join(chr(int(code)) if 0 <= code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else "\ufffd" for code in value)


def _join(value: Json, env: object, separators: Any) -> Iterator[Json]:
    del env
    for separator in separators.vals(value):
        if not isinstance(value, list | dict):
            raise JqError(f"join({encode(separator)}) cannot be applied to: {_described(value)}")
        joined: Json = None
        for number, element in enumerate(_iterate(value)):
            text = encode(element) if _number(element) or isinstance(element, bool) else element
            joined = _add(_add(joined, separator if number else ""), text)
        yield "" if joined is None else joined


def _now(value: Json, env: object) -> Iterator[Json]:
    del value, env
    yield Clock.seconds


def _nothing(value: Json, env: object) -> Iterator[Json]:
    del value, env
    yield {}


def _refused(name: str) -> Callable[..., Iterator[Json]]:
    def refuse(*args: object) -> Iterator[Json]:
        del args
        raise JqError(f"{name} is not available here")

    return refuse


def _passed(value: Json, env: object, *messages: object) -> Iterator[Json]:
    del env, messages
    yield value


ABSENT = frozenset(
    (
        *(("keys_unsorted", 0), ("leaf_paths", 0), ("isvalid", 1), ("_nwise", 1), ("_nwise", 2), ("input_line_number", 0)),
        *(("halt", 0), ("halt_error", 0), ("halt_error", 1), ("builtins", 0), ("values_equal", 2), ("get_search_list", 0)),
        *(("have_decnum", 0), ("have_literal_numbers", 0), ("ascii", 0), ("toarray", 0), ("getpath_safe", 1)),
        *(("debug", 0), ("stderr", 0), ("input_filename", 0), ("error", 2)),
        *(("dateadd", 2), ("datesub", 2), ("date", 0), ("GROUP_BY", 1), ("UNIQUE_BY", 1), ("_strindices", 1)),
    )
)
"""What the engine has and gojq does not, or what a decision has no use for."""

_REPLACED: dict[tuple[str, int], Callable[..., Iterator[Json]]] = {
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
    ("add", 0): _sum,
    ("split", 1): _split,
    ("flatten", 0): _flattened(builtins.PY_BUILTINS["flatten", 0]),
    ("flatten", 1): _flattened(builtins.PY_BUILTINS["flatten", 1]),
    ("tostream", 0): _stream,
    ("transpose", 0): _transpose,
    ("reverse", 0): _only(list, "reverse")(builtins.PY_BUILTINS["reverse", 0]),
    ("abs", 0): _only((int, float), "abs")(lambda value, env: iter((abs(value),))),
}

_DEFINED = """
def from_entries: map({(.key // .Key // .name // .Name): (if has("value") then .value else .Value end)}) | add // {};
def paths: path(..) | select(. != []);
def paths(f): path(.. | select(f)) | select(. != []);
def first(g): label $found | g | ., break $found;
def combinations: if length == 0 then [] else .[0][] as $one | [$one] + (.[1:] | combinations) end;
def combinations(n): [limit(n; repeat(.))] | combinations;
def repeat(f): def again: f, again; again;
def todate: strftime("%Y-%m-%dT%H:%M:%SZ");
def add(f): [f] | add;
def pick(f): . as $whole | reduce path(f) as $path (null; setpath($path; $whole | getpath($path)));
.
"""


def _install() -> None:
    ops.iterate_value = _iterate
    ops.index_value, ops._cmp = _index, _compare  # noqa: SLF001
    compiler._V["alt"], compiler._P["iterate"] = _alternative, _iterated_paths  # noqa: SLF001
    ops.add_values, ops.mul_values, ops.div_values = _add, _multiply, _divide
    compiler._BINOPS.update({"+": _add, "*": _multiply, "/": _divide})  # noqa: SLF001
    for module in (compiler, builtins, ops, encoder, purejq):
        for name, replacement in (("encode", encode), ("format_number", number_text)):
            if hasattr(module, name):
                setattr(module, name, replacement)
    builtins._compile_regex, builtins._match_obj, builtins._iter_matches = _compiled, _match, _matches  # noqa: SLF001
    builtins._capture_obj = _captured  # noqa: SLF001
    builtins.PY_BUILTINS.update(_REPLACED)
    builtins._sub_impl = replace  # noqa: SLF001
    for name, arity in [key for key in builtins.PY_BUILTINS if key[0] in _MATHEMATICS]:
        builtins.PY_BUILTINS[name, arity] = _total(builtins.PY_BUILTINS[name, arity])
    for arity in (1, 2, 3):
        builtins.PY_BUILTINS["range", arity] = _counted(builtins.PY_BUILTINS["range", arity])
    compiler._call_funcval = _calls(compiler._call_funcval)  # noqa: SLF001
    _define(_DEFINED)


def _define(definitions: str) -> None:
    root = prelude.prelude_env()
    root.vars["ENV"] = {}
    for key in _REPLACED:
        root.funcs.pop(key, None)
    node = parse(definitions)
    context = frozenset(compiler.collect_defined_names(node))
    while node[0] == "funcdef":
        _, name, parameters, body, node = node
        function = compiler.FuncVal(parameters, body, context)
        function.env = root
        root.funcs[name, len(parameters)] = function


_install()


def is_known(name: str, arity: int) -> bool:
    """Whether gojq has a function of this name and number of arguments."""
    key = (name, arity)
    return key not in ABSENT and (key in prelude.prelude_env().funcs or key in builtins.PY_BUILTINS)
