"""The jq engine, made to behave as gojq does, and bounded.

purejq follows the jq program; Argo Events runs gojq. What differs and manifests can see is put in here, once for the process:
the order of an object's members, numbers as text, RE2 patterns, the environment (there is none), and steps that are counted.

Semantics: gojq 0.12.19.
"""

import math
from collections.abc import Iterator
from typing import Any

import purejq
from purejq import builtins, compiler, encoder, ops, prelude
from purejq.parser import parse

from sensors.languages.jq import operators, patterns, syntax
from sensors.languages.jq.bounds import run
from sensors.languages.jq.formats import apply_format
from sensors.languages.jq.functions import REPLACED
from sensors.languages.jq.replacing import replace
from sensors.languages.jq.text import Function, Json, encode, number_text

_ABSENT = frozenset(
    (
        *(("keys_unsorted", 0), ("leaf_paths", 0), ("isvalid", 1), ("_nwise", 1), ("_nwise", 2), ("input_line_number", 0)),
        *(("halt", 0), ("halt_error", 0), ("halt_error", 1), ("builtins", 0), ("values_equal", 2), ("get_search_list", 0)),
        *(("have_decnum", 0), ("have_literal_numbers", 0), ("ascii", 0), ("toarray", 0), ("getpath_safe", 1)),
        *(("debug", 0), ("stderr", 0), ("input_filename", 0), ("error", 2)),
        *(("dateadd", 2), ("datesub", 2), ("date", 0), ("GROUP_BY", 1), ("UNIQUE_BY", 1), ("_strindices", 1)),
    )
)
"""What the engine has and gojq does not, or what a decision has no use for."""


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


def _total(plain: Function) -> Function:
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
    (
        *("sqrt", "log", "log2", "log10", "log1p", "exp", "exp2", "exp10", "expm1"),
        *("asin", "acos", "atanh", "acosh", "sinh", "cosh"),
        *("tgamma", "gamma", "lgamma", "floor", "ceil", "round", "trunc"),
    )
)


def _calls(plain: Function) -> Function:
    """A call that counts."""

    def call(*args: Any, **named: Any) -> Iterator[Json]:
        run.spend()
        return plain(*args, **named)

    return call


def _counted(plain: Function) -> Function:
    """A stream of which each value counts."""

    def stream(*args: Any) -> Iterator[Json]:
        for value in plain(*args):
            run.spend()
            yield value

    return stream


def _install() -> None:
    """Once, when this module is imported."""
    syntax.install()
    _replace_text()
    _replace_operators()
    _replace_patterns()
    _replace_functions()
    compiler._call_funcval = _calls(compiler._call_funcval)  # noqa: SLF001
    _define(_DEFINED)


def _replace_text() -> None:
    for module in (compiler, builtins, ops, encoder, purejq):
        for name, replacement in (("encode", encode), ("format_number", number_text), ("apply_format", apply_format)):
            if hasattr(module, name):
                setattr(module, name, replacement)


def _replace_operators() -> None:
    ops.iterate_value = operators.iterate
    ops.index_value, ops._cmp = operators.index, operators.compare  # noqa: SLF001
    ops.add_values, ops.mul_values, ops.div_values = operators.add, operators.multiply, operators.divide
    compiler._BINOPS.update({"+": operators.add, "*": operators.multiply, "/": operators.divide})  # noqa: SLF001
    compiler._V["alt"], compiler._P["alt"] = operators.alternative, operators.alternative_paths  # noqa: SLF001
    compiler._V["object"] = operators.objects  # noqa: SLF001
    compiler._P["iterate"] = operators.iterated_paths  # noqa: SLF001
    builtins.PY_BUILTINS_PATH.update({("limit", 2): operators.limited_paths, ("nth", 2): operators.nth_paths})


def _replace_patterns() -> None:
    builtins._compile_regex, builtins._iter_matches = patterns.compiled, patterns.matches  # noqa: SLF001
    builtins._match_obj, builtins._capture_obj = patterns.match, patterns.captured  # noqa: SLF001
    builtins._sub_impl = replace  # noqa: SLF001


def _replace_functions() -> None:
    known = builtins.PY_BUILTINS
    known.update(REPLACED)
    for name, arity in [key for key in known if key[0] in _MATHEMATICS]:
        known[name, arity] = _total(known[name, arity])
    for arity in (1, 2, 3):
        known["range", arity] = _counted(known["range", arity])


def _define(definitions: str) -> None:
    """Put `definitions` in place of those that the engine has in jq itself."""
    root = prelude.prelude_env()
    root.vars["ENV"] = {}
    for key in REPLACED:
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
    return key not in _ABSENT and (key in prelude.prelude_env().funcs or key in builtins.PY_BUILTINS)
