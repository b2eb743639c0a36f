"""What keeps a template from taking the process with it: bounds on everything that can grow faster than its text.

The engine counts output, iterations and calls; these bounds stop single calls that would build something huge.
"""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MAX_TEXT = 1_000_000
"""Characters of any text that a function gives."""
MAX_ITEMS = 100_000
"""Values, nested ones counted, in any list or dictionary that a function builds."""
MAX_WIDTH = 10_000
"""Width or precision in a format."""

Function = Callable[..., object]

REFUSED = frozenset(
    [
        "env",
        "expandenv",
        "getHostByName",
        "genPrivateKey",
        "genCA",
        "genCAWithKey",
        "genSelfSignedCert",
        "genSelfSignedCertWithKey",
        "genSignedCert",
        "genSignedCertWithKey",
        "buildCustomCert",
        "derivePassword",
        "bcrypt",
        "htpasswd",
        "encryptAES",
        "decryptAES",
    ]
)
"""Functions that read the machine or make keys: templates get text from the event and from nowhere else."""

MUTATING = re.compile(r"\b(?:set|unset|(?:mustM|m)erge(?:Overwrite)?)\b")
"""Finds a template that may change the values it is given."""

_WIDTH = re.compile(r"%[-+# 0]*(?:\[\d+\])?(\d+|\*)?(?:\.(?:\[\d+\])?(\d+|\*)?)?")


class LimitError(ValueError):
    """A template asked for more than a limit allows."""


def _check(amount: float, limit: int, what: str) -> None:
    if amount > limit:
        raise LimitError(f"{what}: more than {limit} are not allowed in a template")


def _number(value: object) -> float:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return 0.0


def _length(value: object) -> int:
    return len(value) if isinstance(value, str | bytes | list | tuple | dict) else len(str(value))


def _until(arguments: Sequence[Any]) -> None:
    _check(abs(_number(arguments[0])), MAX_ITEMS, "until")


def _until_step(arguments: Sequence[Any]) -> None:
    start, stop, step = (_number(argument) for argument in arguments)
    _check(abs(stop - start) / abs(step) if step else 0, MAX_ITEMS, "untilStep")


def _seq(arguments: Sequence[Any]) -> None:
    numbers = [_number(argument) for argument in arguments]
    step = abs(numbers[1]) if len(numbers) == 3 else 1.0
    span = abs(numbers[-1] - (numbers[0] if len(numbers) > 1 else 1.0))
    _check(span / step if step else 0, MAX_ITEMS, "seq")


def _repeat(arguments: Sequence[Any]) -> None:
    _check(_number(arguments[0]) * max(_length(arguments[1]), 1), MAX_TEXT, "repeat")


def _random(arguments: Sequence[Any]) -> None:
    _check(_number(arguments[0]), MAX_ITEMS, "random characters")


def _indent(arguments: Sequence[Any]) -> None:
    lines = str(arguments[1]).count("\n") + 1
    _check(_number(arguments[0]) * lines, MAX_TEXT, "indent")


def _replace(arguments: Sequence[Any]) -> None:
    old, new, text = (str(argument) for argument in arguments)
    _check((text.count(old) if old else len(text) + 1) * len(new), MAX_TEXT, "replace")


def _regex_replace(arguments: Sequence[Any]) -> None:
    # Sprig's order is pattern, text, replacement; a text of n characters has at most n + 1 matches.
    text, replacement = str(arguments[1]), str(arguments[2])
    references = replacement.count("$") * len(text)
    _check(references + (len(text) + 1) * len(replacement), 16 * MAX_TEXT, "regexReplaceAll")


def _wrap_with(arguments: Sequence[Any]) -> None:
    _check((len(str(arguments[2])) + 1) * len(str(arguments[1])), MAX_TEXT, "wrapWith")


def _join(arguments: Sequence[Any]) -> None:
    separator, values = arguments
    count = len(values) if isinstance(values, list | tuple) else 1
    _check(count * len(str(separator)), MAX_TEXT, "join")


def _printf(arguments: Sequence[Any]) -> None:
    for width, precision in _WIDTH.findall(str(arguments[0])):
        for digits in (width, precision):
            _check(_number(digits), MAX_WIDTH, "width in printf")
        if "*" in (width, precision):
            whole = [abs(argument) for argument in arguments[1:] if isinstance(argument, int)]
            _check(max(whole, default=0), MAX_WIDTH, "width in printf")


_BEFORE: Mapping[str, Callable[[Sequence[Any]], None]] = {
    "until": _until,
    "untilStep": _until_step,
    "seq": _seq,
    "repeat": _repeat,
    **dict.fromkeys(("randAlpha", "randAlphaNum", "randAscii", "randNumeric", "randBytes"), _random),
    **dict.fromkeys(("indent", "nindent"), _indent),
    "replace": _replace,
    **dict.fromkeys(
        ("regexReplaceAll", "mustRegexReplaceAll", "regexReplaceAllLiteral", "mustRegexReplaceAllLiteral"), _regex_replace
    ),
    "wrapWith": _wrap_with,
    "join": _join,
    "printf": _printf,
}

_BUILDS = frozenset(
    [
        "list",
        "tuple",
        "dict",
        "set",
        "append",
        "mustAppend",
        "push",
        "mustPush",
        "prepend",
        "mustPrepend",
        "concat",
        "merge",
        "mustMerge",
        "mergeOverwrite",
        "mustMergeOverwrite",
        "deepCopy",
        "mustDeepCopy",
        "chunk",
        "mustChunk",
        "pluck",
    ]
)


def limited(functions: Mapping[str, Function]) -> dict[str, Function]:
    """The functions that templates may use, each with its bounds."""
    return {name: _limit(name, function) for name, function in functions.items() if name not in REFUSED}


def _limit(name: str, function: Function) -> Function:
    before = _BEFORE.get(name)
    builds = name in _BUILDS

    @functools.wraps(function)
    def call(*arguments: object) -> object:
        if before is not None:
            # A wrong number of arguments is the function's own to report.
            try:
                before(arguments)
            except (IndexError, TypeError):
                return function(*arguments)
            except ValueError as exc:
                if isinstance(exc, LimitError):
                    raise
        result = function(*arguments)
        if isinstance(result, str):
            _check(len(result), MAX_TEXT, f"characters from {name}")
        elif builds:
            _check(_count(result), MAX_ITEMS, f"values from {name}")
        return result

    return call


def _count(value: object) -> int:
    """How many values there are in `value`, shared ones as often as they appear; stops soon after `MAX_ITEMS`."""
    count = 0
    left = [value]
    while left and count <= MAX_ITEMS:
        value = left.pop()
        count += 1
        if isinstance(value, Mapping):
            left.extend(value.values())
        elif isinstance(value, list | tuple):
            left.extend(value)
    return count
