"""Where the template engine's values differ from Go's: what is missing, times, lists in formats, maps that are none.

The engine takes these from Python; templates written for Go expect Go's. Semantics: text/template, fmt, time, sprig 3.3.0.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from gotpl.errors import TemplateExecutionError
from gotpl.funcs.sprig._values import NilSlice
from gotpl.funcs.sprig.semver import Version
from gotpl.runtime import linked, sync_vm, values
from gotpl.runtime.results import unwrap_function_result
from gotpl.runtime.values import INVALID, UNTYPED_NIL, ValueAdapter

from sensors.languages.expr.sprig_types import GIVES, TAKES
from sensors.languages.expr.values import Int64, IntList, TextList
from sensors.languages.gotemplate_format import sprintf
from sensors.languages.gotemplate_functions import shown_values
from sensors.languages.gotemplate_times import RFC3339, GoDuration, GoTime
from sensors.languages.gotemplate_types import WholeFloat, go_kind, go_type

Function = Callable[..., object]
Arguments = tuple[Any, ...]
Adapter = Callable[[Arguments], Arguments]

VERSION_FIELDS = frozenset(("Major", "Minor", "Patch", "Prerelease", "Metadata", "Original", "Compare"))
"""What a template may ask of the outcome of `semver`."""


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
        if not isinstance(value, Mapping | GoTime | GoDuration) and not (isinstance(value, Version) and field in VERSION_FIELDS):
            raise TemplateExecutionError(f"can't evaluate field {field}")
        found = original(self, value, field)
        return None if found is INVALID else found

    lookup.is_ours = True  # type: ignore[attr-defined]
    ValueAdapter.lookup = lookup  # type: ignore[method-assign]
    _refuse_fields_of_null()
    _mark_whole_floats()


def _mark_whole_floats() -> None:
    original = values.number_value

    @functools.wraps(original)
    def number_value(value: str | bool | None, *, is_complex: bool) -> object:
        number = original(value, is_complex=is_complex)
        return WholeFloat(number) if type(number) is float and number.is_integer() and abs(number) < _INT_END else number

    # The two places that read numbers in templates.
    vars(linked)["number_value"] = vars(sync_vm)["_number_value"] = number_value


_INT_END = float(1 << 63)


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
    return {name: _adapt(name, function) for name, function in functions.items()}


def _adapt(name: str, function: Function) -> Function:
    adapter = _ADAPTERS.get(name)
    parameters = _Parameters(name, TAKES.get(name, "*a"))
    given_as = _GIVEN_AS.get(GIVES.get(name, ""))

    @functools.wraps(function)
    def call(*arguments: Any) -> object:
        if not _LITERALS.isdisjoint(map(type, arguments)):
            arguments = parameters.plain(arguments)
        if parameters.typed:
            parameters.check(arguments)
        result = unwrap_function_result(function(*(arguments if adapter is None else adapter(arguments))))
        if result is INVALID or result is UNTYPED_NIL:
            return None
        return result if given_as is None or isinstance(result, NilSlice) else given_as(result)

    # How many arguments there may be, and nothing of their types: those are looked at here.
    signature = inspect.signature(function)
    parts = [part.replace(annotation=part.empty) for part in signature.parameters.values()]
    call.__signature__ = signature.replace(parameters=parts)  # type: ignore[attr-defined]
    return call


_LITERALS = frozenset((type(UNTYPED_NIL), WholeFloat))
_GIVEN_AS: Mapping[str, Callable[[Any], object]] = {"I": Int64, "l": TextList, "n": IntList}


class _Parameters:
    """The types that a function of Go is declared with: it is called with no others."""

    def __init__(self, name: str, takes: str) -> None:
        self._name = name
        self._first, _, self._rest = takes.partition("*")
        self.typed = bool(takes.strip("*a"))
        """Whether it takes anything but anything."""

    def _letter(self, at: int) -> str:
        return self._first[at] if at < len(self._first) else self._rest

    def plain(self, arguments: Arguments) -> Arguments:
        """The arguments with literals as the values that they are for this function."""
        made: list[Any] = []
        for at, argument in enumerate(arguments):
            if type(argument) is WholeFloat:
                made.append(int(argument) if self._letter(at) == "i" else float(argument))
            else:
                made.append(None if argument is UNTYPED_NIL else argument)
        return tuple(made)

    def check(self, arguments: Arguments) -> None:
        """Raise `TypeError` for the first argument of another type. How many there are is the function's to say."""
        for at, argument in enumerate(arguments):
            letter = self._letter(at)
            wanted = _TYPES.get(letter)
            if wanted is not None and type(argument) not in wanted[0]:
                if letter == "m" and argument is None:
                    continue
                raise TypeError(
                    f"wrong type for value in argument {at + 1} of {self._name}; expected {wanted[1]}; got {go_type(argument)}"
                )


_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "s": ((str,), "string"),
    "i": ((int,), "int"),
    "f": ((float, int), "float64"),
    "b": ((bool,), "bool"),
    "t": ((GoTime,), "time.Time"),
    "m": ((dict,), "map[string]interface {}"),
}


def _printed(arguments: Arguments) -> Arguments:
    return tuple([UNTYPED_NIL if argument is None else argument for argument in arguments])


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


def _jsonable(arguments: Arguments) -> Arguments:
    return tuple([_as_json(argument) for argument in arguments])


def _as_json(value: Any) -> object:
    """`value` with texts for what the engine cannot write as JSON."""
    if isinstance(value, GoTime):
        return value.go_format(RFC3339)
    if isinstance(value, Version):
        return str(value)
    if isinstance(value, GoDuration):
        return value.span.nanoseconds
    if type(value) in (list, dict) and value:
        if type(value) is dict:
            return {key: _as_json(item) for key, item in value.items()}
        return [_as_json(item) for item in value]
    return value


_ADAPTERS: Mapping[str, Adapter] = {
    "print": _printed,
    "println": _printed,
    **dict.fromkeys(("html", "js", "urlquery"), shown_values),
    **dict.fromkeys(("values", "get", "hasKey", "unset", "pick", "omit", "urlJoin"), _first_map),
    **dict.fromkeys(("keys", "merge", "mustMerge", "mergeOverwrite", "mustMergeOverwrite"), _maps),
    "pluck": lambda arguments: (*arguments[:1], *_maps(arguments[1:])),
    **dict.fromkeys(("deepCopy", "mustDeepCopy"), _copied),
    **dict.fromkeys(("eq", "ne"), _compared),
    **dict.fromkeys(("toJson", "mustToJson", "toPrettyJson", "mustToPrettyJson", "toRawJson", "mustToRawJson"), _jsonable),
}


def _type_is_like(wanted: str, value: object) -> bool:
    found = go_type(value)
    return found in (wanted, "*" + wanted)


OF_TYPES: Mapping[str, Function] = {
    "typeOf": go_type,
    "typeIs": lambda wanted, value: go_type(value) == wanted,
    "typeIsLike": _type_is_like,
    "kindOf": go_kind,
    "printf": sprintf,
    "kindIs": lambda wanted, value: go_kind(value) == wanted,
}
"""Functions that know Go's types."""
