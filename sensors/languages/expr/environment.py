"""What an event source's filter sees: the event's data, and functions beside it.

Semantics: Argo Events 1.9, `pkg/shared/expr`: a dash in the name of a member of the data is an underscore, a dot makes a map of
it, and `asInt`, `asFloat`, `toJson`, `jsonpath` and `sprig` go before what the data has under these names.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import tzinfo
from functools import lru_cache
from typing import Any

from sensors.languages.expr import json_text
from sensors.languages.expr.builtins import as_floats
from sensors.languages.expr.jsonpath import query
from sensors.languages.expr.number_functions import make_float, make_int
from sensors.languages.expr.sprig_types import GIVES, MUTATING, TAKES
from sensors.languages.expr.values import Function, Instant, Int64, IntList, TextList, TextMap, shown
from sensors.languages.expr.words import ExprError
from sensors.languages.time_limit import TimeUp

_GO_TYPES = {
    "s": "string",
    "i": "int",
    "f": "float64",
    "b": "bool",
    "t": "time.Time",
    "m": "map[string]interface {}",
    "a": "any",
}


def environment(data: Mapping[str, Any]) -> dict[str, Any]:
    """The names of an expression for `data`, a JSON object whose numbers are floats."""
    plain = {key.replace("-", "_"): value for key, value in data.items()}
    made: dict[str, Any] = {}
    for key, value in sorted(plain.items()):
        if any(other.startswith(f"{key}.") for other in plain):
            continue  # the one that says more counts
        *path, last = key.split(".")
        place = made
        for part in path:
            inner = place.setdefault(part, {})
            place = inner if isinstance(inner, dict) else {}
        place[last] = value
    made.update(_functions())
    return made


@lru_cache(maxsize=1)
def _functions() -> Mapping[str, Any]:
    return {
        "asInt": Function("asInt", make_int, ("any",)),
        "asFloat": Function("asFloat", make_float, ("any",)),
        "toJson": Function("toJson", _to_json, ("any",)),
        "jsonpath": Function("jsonpath", query, ("string", "string")),
        "sprig": _Sprig(),
    }


def _to_json(value: Any) -> str:
    try:
        return json_text.compact(value)
    except ExprError:
        return ""


class _Sprig(dict[str, Function]):
    """Sprig's functions, each made when it is first asked for: an expression without them needs no engine of templates."""

    def get(self, name: str, default: Any = None) -> Any:
        """The function `name`, or None."""
        found = super().get(name)
        if found is None and (call := _sprig().get(name)) is not None:
            found = self[name] = _function(name, call)
        return found


@lru_cache(maxsize=1)
def _sprig() -> Mapping[str, Callable[..., object]]:
    from sensors.languages.gotemplate import sprig_functions  # noqa: PLC0415 - heavy, and seldom asked for

    return sprig_functions()


def _function(name: str, call: Callable[..., object]) -> Function:
    letters = TAKES.get(name, "*a")
    takes, rest = letters.partition("*")[0], letters.partition("*")[2]
    parameters = [_GO_TYPES[letter] for letter in takes] + [f"*{_GO_TYPES[letter]}" for letter in rest]

    def called(*given: Any) -> Any:
        arguments = [_given(value) for value in given]
        if name in MUTATING:
            arguments = deepcopy(arguments)
        try:
            found = call(*arguments)
        except (RecursionError, TimeUp):
            raise
        except Exception as exc:  # the library lets errors of all kinds through
            raise ExprError(f"sprig.{name}: {str(exc)[:200] or type(exc).__name__}") from exc
        return _taken(found, GIVES.get(name, ""))

    return Function(f"sprig.{name}", called, tuple(parameters))


def _given(value: Any) -> Any:
    """A value of ours as the library wants it."""
    if type(value) is Instant:
        from sensors.languages.gotemplate_times import go_time  # noqa: PLC0415 - heavy, and seldom asked for

        return go_time(*value)
    return value


def _taken(value: Any, gives: str) -> Any:
    """A value of the library as one of ours. Raises `ExprError` where it is none."""
    if hasattr(value, "__gotemplate_lookup__") and hasattr(value, "time"):
        from sensors.languages.gotemplate_times import as_instant  # noqa: PLC0415 - loaded with what gave the value

        return Instant(*as_instant(value))
    if gives == "I":
        return Int64(value)
    if gives in ("l", "n"):
        return (TextList if gives == "l" else IntList)(value)
    if gives == "M":
        return TextMap(value)
    return _plain(value)


def _plain(value: Any) -> Any:
    if hasattr(value, "value") and hasattr(value, "error"):  # of a function that gives an error beside its result
        if value.error is not None:
            raise ExprError(str(value.error)[:200])
        value = value.value
    if value is None or type(value) in (bool, int, float, str) or isinstance(value, TextList | IntList | TextMap | Int64):
        return value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, Function | Instant | tzinfo):
        return value
    raise ExprError(f"a function of Sprig gave {shown(str(value))}, which expressions do not know")


__all__ = ["as_floats", "environment"]
