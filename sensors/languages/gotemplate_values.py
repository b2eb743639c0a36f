"""Where the template engine's values differ from Go's: what is missing, times, lists in formats, maps that are none.

The engine takes these from Python; templates written for Go expect Go's. Semantics: text/template, fmt, time, sprig 3.3.0.
"""

import calendar
import functools
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from gotpl.errors import TemplateExecutionError
from gotpl.funcs.sprig.dates import _go_time_from_datetime
from gotpl.funcs.sprig.semver import Version
from gotpl.runtime import sync_vm
from gotpl.runtime.gofmt import GoFormatSpec, sprintf
from gotpl.runtime.values import INVALID, UNTYPED_NIL, ValueAdapter

Function = Callable[..., object]
Arguments = tuple[Any, ...]
Adapter = Callable[[Arguments], Arguments]

VERSION_FIELDS = frozenset(("Major", "Minor", "Patch", "Prerelease", "Metadata", "Original", "Compare"))
"""What a template may ask of the outcome of `semver`."""


class GoTime(datetime):
    """A time that prints as Go prints it and has the methods that templates call."""

    def __str__(self) -> str:
        return str(_go_time_from_datetime(self, self.microsecond * 1000))

    def __gotemplate_lookup__(self, name: str) -> object:
        if name == "Format":
            return self.go_format
        if name not in _TIME_VALUES:
            raise TemplateExecutionError(f"can't evaluate field {name} in type time.Time")
        return _TIME_VALUES[name](self)

    def go_format(self, layout: str) -> str:
        """`Format(layout)`."""
        return str(_go_time_from_datetime(self, self.microsecond * 1000).format(layout))

    def micros(self) -> int:
        """Microseconds since 1970."""
        return calendar.timegm(self.utctimetuple()) * 1_000_000 + self.microsecond


_TIME_VALUES: Mapping[str, Callable[[GoTime], object]] = {
    "Year": lambda time: time.year,
    "Month": lambda time: time.go_format("January"),
    "Day": lambda time: time.day,
    "Hour": lambda time: time.hour,
    "Minute": lambda time: time.minute,
    "Second": lambda time: time.second,
    "Nanosecond": lambda time: time.microsecond * 1000,
    "YearDay": lambda time: time.timetuple().tm_yday,
    "Weekday": lambda time: time.go_format("Monday"),
    "Unix": lambda time: time.micros() // 1_000_000,
    "UnixMilli": lambda time: time.micros() // 1_000,
    "UnixMicro": lambda time: time.micros(),
    "UnixNano": lambda time: time.micros() * 1_000,
    "UTC": lambda time: go_time(time.astimezone(UTC)),
    "String": str,
}


def go_time(moment: datetime) -> GoTime:
    """`moment` as a template sees it."""
    return GoTime(
        moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second, moment.microsecond, moment.tzinfo
    )


class _Elements:
    """A list or a map in a format: each element gets the verb, as Go does."""

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __go_format__(self, spec: GoFormatSpec) -> str:
        if spec.verb in "vTp":
            return sprintf(_directive(spec), self._value)
        if isinstance(self._value, Mapping):
            keys = sorted(self._value, key=str)
            return f"map[{' '.join(f'{_verb(spec, key)}:{_verb(spec, self._value[key])}' for key in keys)}]"
        return f"[{' '.join(_verb(spec, element) for element in self._value)}]"


def _verb(spec: GoFormatSpec, value: object) -> str:
    return sprintf(_directive(spec), _printable(value))


def _directive(spec: GoFormatSpec) -> str:
    width = "" if spec.width is None else str(spec.width)
    precision = "" if spec.precision is None else f".{spec.precision}"
    return f"%{''.join(spec.flags)}{width}{precision}{spec.verb}"


def _printable(value: object) -> object:
    if value is None or value is INVALID:
        return UNTYPED_NIL
    if isinstance(value, GoTime):
        return str(value)
    return _Elements(value) if isinstance(value, list | tuple | dict) else value


def fix_lookup() -> None:
    """Make the engine's missing values survive a pipe, and keep templates out of Python's attributes.

    It marks what is missing with the same value as "nothing was piped", and so calls `f` without an argument in
    `{{ .missing | f }}`. Here it is None, as it is nil in Go; a field of a missing value is missing, one of a null that was
    written as `.null.field` is an error. So is a field of anything but a map, a time or a version, as in Go:
    `.Input.name.format` must not reach a method of Python's strings.
    The engine's own sandbox would do that too, but prepares all functions anew for every rendering.
    """
    original = ValueAdapter.lookup
    if getattr(original, "is_ours", False):
        return

    @functools.wraps(original)
    def lookup(self: ValueAdapter, value: object, field: str) -> object:
        if type(value) is dict:
            return value.get(field)
        if value is None or value is INVALID:
            return None
        if not isinstance(value, Mapping | GoTime) and not (isinstance(value, Version) and field in VERSION_FIELDS):
            raise TemplateExecutionError(f"can't evaluate field {field}")
        found = original(self, value, field)
        return None if found is INVALID else found

    lookup.is_ours = True  # type: ignore[attr-defined]
    ValueAdapter.lookup = lookup  # type: ignore[method-assign]
    _refuse_fields_of_null()


def _refuse_fields_of_null() -> None:
    # The one place that knows which fields were written as one chain.
    original = sync_vm._lookup_chain  # noqa: SLF001 - see above

    @functools.wraps(original)
    def lookup_chain(value: object, fields: tuple[str, ...], context: Any) -> object:
        holder = value
        for field in fields[:-1]:
            if type(holder) is not dict:
                break
            holder = holder.get(field, INVALID)
            if holder is None:
                raise TemplateExecutionError(f"nil pointer evaluating interface {{}}: {field} is null")
        return original(value, fields, context)

    sync_vm._lookup_chain = lookup_chain  # noqa: SLF001 - see above


def adapted(functions: Mapping[str, Function]) -> dict[str, Function]:
    """The functions, taking and giving values as Go's do."""
    return {name: _adapt(function, _ADAPTERS.get(name)) for name, function in functions.items()}


def _adapt(function: Function, adapter: Adapter | None) -> Function:
    @functools.wraps(function)
    def call(*arguments: Any) -> object:
        result = function(*(arguments if adapter is None else adapter(arguments)))
        if result is INVALID:
            return None
        return go_time(result) if isinstance(result, datetime) and type(result) is not GoTime else result

    return call


def _printed(arguments: Arguments) -> Arguments:
    return tuple([UNTYPED_NIL if argument is None else argument for argument in arguments])


def _formatted(arguments: Arguments) -> Arguments:
    return tuple([_printable(argument) for argument in arguments])


def _first_map(arguments: Arguments) -> Arguments:
    return (_map(arguments[0]), *arguments[1:]) if arguments else arguments


def _maps(arguments: Arguments) -> Arguments:
    return tuple([_map(argument) for argument in arguments])


def _copied(arguments: Arguments) -> Arguments:
    if arguments and arguments[0] is None:
        raise TypeError("there is nothing to copy")
    return arguments


def _map(argument: object) -> object:
    if argument is None:
        return {}
    if not isinstance(argument, Mapping):
        raise TypeError("wrong type for value; expected map[string]interface {}")
    return argument


def _compared(arguments: Arguments) -> Arguments:
    """Nothing is equal to nil but nil, and asking is no error."""
    if not any(argument is None or argument is UNTYPED_NIL for argument in arguments) or len(arguments) < 2:
        return arguments
    first, *others = [None if argument is UNTYPED_NIL else argument for argument in arguments]
    if first is None:
        return True, None in others
    known = [other for other in others if other is not None]
    return (first, *known) if known else (True, False)


def _times_as_text(arguments: Arguments) -> Arguments:
    return tuple([argument.go_format(_RFC3339) if isinstance(argument, GoTime) else argument for argument in arguments])


_RFC3339 = "2006-01-02T15:04:05.999999999Z07:00"
_ADAPTERS: Mapping[str, Adapter] = {
    "print": _printed,
    "println": _printed,
    "printf": _formatted,
    **dict.fromkeys(("keys", "values", "get", "hasKey", "set", "unset", "pick", "omit"), _first_map),
    **dict.fromkeys(("merge", "mustMerge", "mergeOverwrite", "mustMergeOverwrite"), _maps),
    **dict.fromkeys(("deepCopy", "mustDeepCopy"), _copied),
    **dict.fromkeys(("eq", "ne"), _compared),
    **dict.fromkeys(("toJson", "mustToJson", "toPrettyJson", "mustToPrettyJson", "toRawJson", "mustToRawJson"), _times_as_text),
}
