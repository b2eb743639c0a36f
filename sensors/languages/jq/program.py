"""jq programs, compiled and run: what `compile_program` gives.

As in Argo Events, the data is an object whose numbers are floats, and the first output counts, which must be an object, too.
"""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import purejq
from purejq.errors import Halt, JqError, JqParseError
from purejq.parser import parse

from sensors.languages.jq.bounds import MAX_CHARACTERS, MAX_SECONDS, MAX_VALUES, OutOfSteps, run
from sensors.languages.jq.engine import is_known
from sensors.languages.jq.errors import JqCutOff, JqFailed
from sensors.languages.time_limit import TimeUp, within

JsonValue = Any


class JqProgram:
    """A compiled program. Running it leaves nothing behind."""

    __slots__ = ("_program", "text")

    def __init__(self, text: str, program: purejq.Program) -> None:
        self.text = text
        self._program = program

    def transform(self, data: JsonValue, *, now_s: float = 0.0) -> dict[str, JsonValue] | None:
        """The first output for `data`, an object whose numbers are floats; `now_s` is what `now` gives. Raises `JqFailed`.

        Null counts as an object without members, which is null again wherever the program gives it back as it was.
        """
        if data is not None and not isinstance(data, dict):
            raise JqFailed("the data is no object")
        run.begin(now_s=now_s)
        try:
            return within(MAX_SECONDS, lambda: self._made(data), run.exhaust)
        except JqFailed:
            raise
        except JqError as exc:
            raise JqFailed(str(exc)) from None
        except Halt:
            raise JqFailed("it halted") from None
        except TimeUp:
            raise JqCutOff(f"it needs more than {MAX_SECONDS * 1000:g} ms") from None
        except OutOfSteps as exc:
            raise JqCutOff(str(exc)) from None
        except RecursionError:
            raise JqCutOff("it calls itself too deep") from None
        except (TypeError, ValueError, OverflowError, AttributeError, KeyError, IndexError, OSError) as exc:
            # What the engine does not expect, such as a text where a number should be.
            raise JqFailed(f"{type(exc).__name__}: {exc}") from None

    def _made(self, data: JsonValue) -> dict[str, JsonValue] | None:
        if data is not None:
            return _object(next(iter(self._program.run(data)), _NOTHING))
        nil: dict[str, JsonValue] = {}
        made = next(iter(self._program.run(nil)), _NOTHING)
        return None if made is nil else _object(_with_null(made, nil))


def _with_null(made: Any, nil: object) -> Any:
    """`made` with null for `nil`, which is told from other empty objects by being that very one."""
    if made is nil:
        return None
    if isinstance(made, dict):
        return {name: _with_null(member, nil) for name, member in made.items()}
    return [_with_null(element, nil) for element in made] if isinstance(made, list) else made


_NOTHING = object()


def _object(made: JsonValue) -> dict[str, JsonValue]:
    if made is _NOTHING:
        raise JqFailed("it gave nothing")
    if not isinstance(made, dict):
        raise JqFailed("its first output is no object")
    left: list[JsonValue] = [made]
    for count, value in enumerate(_values(left)):
        if isinstance(value, float) and not math.isfinite(value):
            raise JqFailed("its first output holds a number that JSON cannot")
        if count > MAX_VALUES:
            raise JqCutOff(f"its first output holds more than {MAX_VALUES:,} values")
    return made


def _values(left: list[JsonValue]) -> Iterator[JsonValue]:
    """`left` and all that is in it, shared values as often as they appear."""
    while left:
        value = left.pop()
        yield value
        if isinstance(value, list):
            left.extend(value)
        elif isinstance(value, dict):
            left.extend(value.values())


@lru_cache(maxsize=4096)
def compiled(text: str) -> JqProgram:
    """See `compile_program` of this package."""
    if len(text) > MAX_CHARACTERS:
        raise JqFailed(f"a program of {len(text)} characters; at most {MAX_CHARACTERS} are allowed")
    try:
        tree = parse(text)
        unknown = next(_unknown(tree, frozenset()), None)
        if unknown is not None:
            raise JqFailed(unknown)
        return JqProgram(text, purejq.compile(text))
    except JqParseError as exc:
        raise JqFailed(str(exc)) from None
    except RecursionError:
        raise JqFailed("it nests too deep") from None


def _unknown(node: Any, defined: frozenset[tuple[str, int]]) -> Iterator[str]:
    """Functions that nothing defines, and what gojq does not have."""
    if not isinstance(node, tuple | list) or not node:
        return
    if node[0] == "funcdef":
        _, name, parameters, body, rest = node
        own = defined | {(name, len(parameters))}
        inside = own | {(parameter.removeprefix("$"), 0) for parameter in parameters}
        yield from _unknown(body, inside)
        yield from _unknown(rest, own)
        return
    if node[0] == "loc":
        yield "$__loc__ is not available"
    if node[0] == "var" and node[1] == "__prog_args":
        yield "variable not defined: $__prog_args"
    if node[0] == "call" and isinstance(node[1], str):
        key = (node[1], len(node[2]))
        if key not in defined and not is_known(*key):
            yield f"function not defined: {key[0]}/{key[1]}"
    for part in node:
        yield from _unknown(part, defined)
