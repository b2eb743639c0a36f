"""Functions on numbers that gojq has beside the engine's, or otherwise. All but Bessel's, which no event needs."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from purejq.errors import JqError

from sensors.languages.jq.text import Function, Json, described, is_number


def _number(value: Json, name: str) -> float:
    if not is_number(value):
        raise JqError(f"{name} cannot be applied to: {described(value)}")
    return float(value)


def _of_input(name: str, compute: Callable[[float], Json]) -> Function:
    def call(value: Json, env: object) -> Iterator[Json]:
        del env
        yield compute(_number(value, name))

    return call


def _of_arguments(name: str, compute: Callable[..., Json]) -> Function:
    def call(value: Json, env: object, *arguments: Any) -> Iterator[Json]:
        del env
        for given in _turns(arguments, value):
            yield compute(*(_number(one, name) for one in given))

    return call


def _turns(arguments: Sequence[Any], value: Json) -> Iterator[list[Json]]:
    """What the arguments give, one after the other; the last one in the outermost turn."""
    if not arguments:
        yield []
        return
    for last in arguments[-1].vals(value):
        for others in _turns(arguments[:-1], value):
            yield [*others, last]


def _scaled(number: float, power: float) -> float:
    try:
        return math.ldexp(number, max(-5000, min(5000, math.trunc(power)))) if math.isfinite(power) else number * 2.0**power
    except OverflowError:
        return math.copysign(math.inf, number)


def _power(number: float, power: float) -> float:
    try:
        return math.pow(number, power)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.inf if number == 0 else math.nan


def _gamma(number: float) -> float:
    try:
        return math.gamma(number)
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan if number else math.copysign(math.inf, number)


_ONE: Mapping[str, Callable[[float], Json]] = {
    "frexp": lambda number: list(math.frexp(number)),
    "modf": lambda number: list(math.modf(number)),
    "gamma": _gamma,
    "expm1": math.expm1,
    "log1p": math.log1p,
    "rint": lambda number: float(round(number)),
}
_MORE: Mapping[tuple[str, int], Callable[..., Json]] = {
    ("pow", 2): _power,
    ("copysign", 2): math.copysign,
    ("drem", 2): math.remainder,
    ("fdim", 2): lambda left, right: max(left - right, 0.0),
    ("fmax", 2): max,
    ("fmin", 2): min,
    ("fmod", 2): math.fmod,
    ("hypot", 2): math.hypot,
    ("ldexp", 2): _scaled,
    ("scalb", 2): _scaled,
    ("scalbln", 2): _scaled,
    ("nextafter", 2): math.nextafter,
    ("nexttoward", 2): math.nextafter,
    ("fma", 3): lambda left, right, more: left * right + more,
}
MATHEMATICS: Mapping[tuple[str, int], Function] = {
    **{(name, 0): _of_input(name, compute) for name, compute in _ONE.items()},
    **{key: _of_arguments(key[0], compute) for key, compute in _MORE.items()},
}
"""By name and number of arguments."""
