"""Lua scripts on the data of an event, each run in a world of its own, bounded in steps, time and memory.

Semantics: gopher-lua at the version that Argo Events pins, which is Lua 5.1: its texts of numbers, its string functions, its
way from JSON to tables and back. Without `io`, `os`, `debug`, `package`, `require`, `load…`, `getfenv`; `print` says nothing.
The engine is the original Lua 5.1; what differs is in `sandbox.lua`, which also counts the steps.
"""

import codecs
import math
import re
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, NamedTuple, NoReturn

from lupa import lua51

from sensors.languages.gonumbers import format_general
from sensors.languages.time_limit import share

MAX_CHARACTERS = 65_536
MAX_STEPS = 2_000_000
"""Instructions of one run; what works on long texts counts by their length."""
MAX_SECONDS = 0.05
"""Seconds of one run, for what a step cannot measure."""
MAX_MEMORY = 32 << 20
MAX_TEXT = 1 << 20
"""Bytes of a text that a script builds."""
_STEP = 1000
_CHEAP = 200_000
"""Steps of the worst case up to which a pattern is left to the engine, which cannot be stopped inside of one."""
_DEPTH = 200
_LARGEST_INDEX = 67_108_864
_HELD = 256
"""Compiled scripts that a runtime holds."""
_CALLS = 20_000
"""Runs of one runtime before it is made anew."""
_EXHAUSTED = b"it ran out of its steps"
_OUT_OF_STEPS = f"it needs more than {MAX_STEPS:,} steps, or {MAX_SECONDS * 1000:g} ms"
_CONCATENATION = re.compile(
    rb"""--\[(=*)\[.*?\]\1\]|--[^\n]*|\[(=*)\[.*?\]\2\]|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\.\.\.|(?P<join>\.\.)""",
    re.DOTALL,
)


class LuaError(ValueError):
    """The script cannot be read, failed, or asked for more than it may use."""


class OutOfSteps(LuaError):
    """The script was cut off."""


JsonValue = Any


class Script:
    """A compiled script. Running it leaves nothing behind."""

    __slots__ = ("_source", "text")

    def __init__(self, text: str, source: bytes) -> None:
        self.text = text
        self._source = source

    def holds(self, data: JsonValue, *, seed: int = 0) -> bool:
        """Whether the last value that the script gives for `data` is true. Raises `LuaError`."""
        return _machine.run(self._source, data, seed, whole=False) is True

    def gave(self, data: JsonValue, *, seed: int = 0) -> str:
        """The last value that the script gives for `data`, in words. Raises `LuaError`."""
        return _text(_machine.run(self._source, data, seed, whole=b"shown"))

    def transform(self, data: JsonValue, *, seed: int = 0) -> JsonValue:
        """The table that the script gives for `data`, as JSON values. Raises `LuaError`, also where it gives none."""
        made = _machine.run(self._source, data, seed, whole=True)
        if made is None:
            raise LuaError("it gave no table")
        return _value(made)


@lru_cache(maxsize=4096)
def compile_script(text: str) -> Script:
    """Compile `text`; the same text gives the same object. Raises `LuaError` with the reason and the line."""
    if len(text) > MAX_CHARACTERS:
        raise LuaError(f"a script of {len(text)} characters; at most {MAX_CHARACTERS} are allowed")
    written = text.encode("utf-8", "replace")
    if written.startswith(b"\x1b"):
        raise LuaError("compiled scripts are not accepted")
    source = _CONCATENATION.sub(lambda found: b".. __join .." if found["join"] else found.group(), written)
    _machine.check(source)
    return Script(text, source)


class _Runtime(NamedTuple):
    compile: Callable[[bytes], Any]
    call: Callable[..., Any]
    table: Callable[..., Any]


class _Machine:
    """The runtime at hand, made anew when a script used it up."""

    def __init__(self) -> None:
        self._runtime: _Runtime | None = None
        self._chunks: OrderedDict[bytes, Any] = OrderedDict()
        self._calls = 0

    def check(self, source: bytes) -> None:
        """Raise `LuaError` where `source` is no script."""
        self._chunk(source)

    def run(self, source: bytes, data: JsonValue, seed: int, *, whole: bool | bytes) -> Any:
        """What `source` gives for `data`; a table of a form that only `_value` reads where `whole`, words where it is `shown`."""
        if self._calls >= _CALLS:
            self._discard()
        self._calls += 1
        chunk = self._chunk(source)
        try:
            answer = self._ready().call(chunk, self._table(data), seed, whole, share())
        except lua51.LuaMemoryError:
            self._cut_off("it ran out of memory")
        except lua51.LuaError as exc:  # the watch goes on behind the script
            if _EXHAUSTED.decode() not in str(exc):
                raise
            self._cut_off(_OUT_OF_STEPS)
        done, value, *_ = answer if isinstance(answer, tuple) else (answer, None)
        if done:
            return value
        reason = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        if reason == _EXHAUSTED.decode():
            self._cut_off(_OUT_OF_STEPS)
        if reason == "not enough memory":
            self._cut_off("it ran out of memory")
        raise LuaError(reason.removeprefix("script:"))

    def _cut_off(self, reason: str) -> NoReturn:
        self._discard()
        raise OutOfSteps(reason) from None

    def _chunk(self, source: bytes) -> Any:
        chunk = self._chunks.get(source)
        if chunk is not None:
            self._chunks.move_to_end(source)
            return chunk
        answer = self._ready().compile(source)
        chunk, problem = _pair(answer)
        if chunk is None:
            raise LuaError(problem.decode("utf-8", "replace").removeprefix("script:"))
        self._chunks[source] = chunk
        if len(self._chunks) > _HELD:
            self._chunks.popitem(last=False)
        return chunk

    def _table(self, data: JsonValue) -> Any:
        made = _plain(data if isinstance(data, dict | list) else {})
        return self._ready().table(made, recursive=True)

    def _ready(self) -> _Runtime:
        if self._runtime is None:
            self._runtime = _new_runtime()
        return self._runtime

    def _discard(self) -> None:
        self._runtime = None
        self._chunks.clear()
        self._calls = 0


def _pair(answer: Any) -> tuple[Any, Any]:
    return answer if isinstance(answer, tuple) else (answer, None)


def _refuse(subject: object, name: object, setting: bool) -> NoReturn:
    del subject, setting
    raise AttributeError(f"{name!r} of the host is out of reach")


def _new_runtime() -> _Runtime:
    runtime = lua51.LuaRuntime(
        encoding=None,
        register_eval=False,
        register_builtins=False,
        unpack_returned_tuples=True,
        attribute_filter=_refuse,
        max_memory=MAX_MEMORY,
    )
    limits = {
        b"steps": MAX_STEPS,
        b"step": _STEP,
        b"seconds": MAX_SECONDS,
        b"text": MAX_TEXT,
        b"depth": _DEPTH,
        b"cheap": _CHEAP,
        b"largest_index": _LARGEST_INDEX,
        b"huge": 1.7976931348623157e308,
        b"exhausted": _EXHAUSTED,
    }
    sandbox = runtime.compile(files("sensors.languages").joinpath("sandbox.lua").read_bytes())
    compile_chunk, call = sandbox(_print_number, _change_case, runtime.table_from(limits))
    return _Runtime(compile_chunk, call, runtime.table_from)


def _print_number(number: float) -> bytes:
    return format_general(float(number)).encode()


def _change_case(value: Any, upper: bool | None) -> bytes:
    """Go's `strings.ToUpper` and `ToLower`, letter by letter; without a case, the character of a code."""
    if upper is None:
        code = int(value)
        return (chr(code) if 0 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF else "\ufffd").encode()
    text = str(value, "utf-8", "replace")
    if text.isascii():
        return (text.upper() if upper else text.lower()).encode()
    return "".join([_one(character, upper) for character in text]).encode()


def _one(character: str, upper: bool) -> str:
    changed = character.upper() if upper else character.lower()
    return changed if len(changed) == 1 else character if upper else changed[0]


def _plain(value: JsonValue) -> Any:
    """JSON as the original's tables hold it: no nulls, no lists directly inside lists."""
    if isinstance(value, dict):
        return {_bytes(key): _plain(member) for key, member in value.items() if member is not None}
    if isinstance(value, list):
        return [_plain(element) for element in value if element is not None and not isinstance(element, list)]
    return _bytes(value) if isinstance(value, str) else value


def _text(made: bytes) -> str:
    """Bytes as Go's JSON takes them: U+FFFD for each byte that is no part of a character."""
    return str(made, "utf-8", "go-replace")


codecs.register_error("go-replace", lambda error: ("\ufffd", error.start + 1))  # type: ignore[attr-defined]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _value(made: Any) -> JsonValue:
    """What `exported` in the sandbox made of a table."""
    if isinstance(made, bytes):
        return _text(made)
    if isinstance(made, bool):
        return made
    if isinstance(made, int | float):
        if not math.isfinite(made):
            raise LuaError(f"{format_general(float(made))} is no JSON number")
        return float(made)
    tag, *rest = made.values()
    if tag == b"n":
        return None
    if tag == b"a":
        return [_value(element) for element in rest]
    return {_text(key): _value(member) for key, member in zip(rest[::2], rest[1::2], strict=True)}


_machine: Final = _Machine()
