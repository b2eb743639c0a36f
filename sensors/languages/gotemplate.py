"""Go templates with Sprig: `compile_template("{{ .Input.name | upper }}").render(input, now=..., seed=...)`.

Rendering is a pure function: `now` is the time passed in, everything random comes from the seed, `Local` is UTC, and
nothing reads the machine. Semantics: text/template of Go with sprig 3.3.0, by gotpl, within `gotemplate_limits`.
"""

import copy
import random
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sensors.languages.gotemplate_limits import MUTATING, limited
from sensors.languages.time_limit import TimeUp, within

if TYPE_CHECKING:
    from gotpl import Environment
    from gotpl import Template as Engine

MAX_TEMPLATE_CHARACTERS = 1_000_000
MAX_SECONDS = 0.05
"""Seconds of processor time of one rendering; in the main thread, where everything is decided."""
NO_VALUE: Final = "<no value>"


class TemplateError(ValueError):
    """The template cannot be compiled, or failed on this input."""


class _Moment:
    """What one rendering takes from outside: the time and the source of randomness."""

    __slots__ = ("_now", "_random", "_seed")

    def __init__(self, now: datetime, seed: bytes) -> None:
        self._now = now
        self._seed = seed
        self._random: random.Random | None = None

    @property
    def now(self) -> datetime:
        """The time, in UTC."""
        return self._now.astimezone(UTC)

    @property
    def random(self) -> random.Random:
        """The source of randomness, seeded when first asked for: seeding costs more than a small template."""
        if self._random is None:
            self._random = random.Random(self._seed)  # noqa: S311  templates make names, not keys
        return self._random


_moment: ContextVar[_Moment] = ContextVar("template_moment")


class Template:
    """A compiled template."""

    __slots__ = ("_engine", "_mutates", "text")

    def __init__(self, text: str, engine: "Engine") -> None:
        self.text = text
        self._engine = engine
        self._mutates = MUTATING.search(text) is not None

    def render(self, input_value: object, *, now: datetime, seed: bytes) -> str:
        """The text for `.Input` = `input_value`, whose numbers should be floats (`Document.floats`). Raises `TemplateError`.

        Equal arguments give equal text. `input_value` is never changed.
        """
        if self._mutates:
            input_value = copy.deepcopy(input_value)
        token = _moment.set(_Moment(now, seed))
        try:
            return within(MAX_SECONDS, lambda: self._engine.render({"Input": input_value}), _nothing)
        except TimeUp:
            raise TemplateError(f"it needs more than {MAX_SECONDS * 1000:g} ms") from None
        except RecursionError:
            raise TemplateError("template: nested too deep") from None
        except Exception as exc:  # the engine lets errors of its functions through as they are
            raise TemplateError(str(exc) or type(exc).__name__) from exc
        finally:
            _moment.reset(token)

    def __repr__(self) -> str:
        return f"Template({self.text!r})"


def _nothing() -> None:
    """There is no asking the engine to stop: it is cut off."""


def says_nothing(output: str) -> bool:
    """Whether the original takes `output` for no value: it is empty, or exactly `<no value>`."""
    return not output or output == NO_VALUE


@lru_cache(maxsize=16_384)
def compile_template(text: str) -> Template:
    """Compile a template; the same text gives the same object. Raises `TemplateError` with line and column."""
    if len(text) > MAX_TEMPLATE_CHARACTERS:
        raise TemplateError(f"a template of {len(text)} characters; at most {MAX_TEMPLATE_CHARACTERS} are allowed")
    try:
        return Template(text, _environment().from_string(_readable(text)))
    except RecursionError:
        raise TemplateError("template: nested too deep") from None
    except Exception as exc:  # syntax errors have a type of their own, but the parser lets others through
        raise TemplateError(str(exc) or type(exc).__name__) from exc


# The engine reads `now.Year` only as `(now).Year`.
_QUOTED = r'"(?:\\.|[^"\\])*"|`[^`]*`'
_ACTION = re.compile(rf"\{{\{{(?:{_QUOTED}|[^\"`}}]|\}}(?!\}}))*+\}}\}}")
_NOW_FIELD = re.compile(rf"({_QUOTED})|(?<![\w.$])now(?=\.[A-Z])")


def _readable(text: str) -> str:
    return _ACTION.sub(_with_parentheses, text) if "now." in text else text


def _with_parentheses(action: re.Match[str]) -> str:
    return _NOW_FIELD.sub(lambda found: found.group(1) or "(now)", action.group())


def sprig_functions() -> Mapping[str, Callable[..., object]]:
    """Sprig's functions, for another language; what they take from outside is that of `moment`, in which they are called."""
    _environment()
    from sensors.languages.gotemplate_values import adapted  # noqa: PLC0415

    return limited(adapted(_sprig()))


def _sprig() -> dict[str, Callable[..., object]]:
    from gotpl.funcs.sprig import text_func_map  # noqa: PLC0415

    from sensors.languages.gotemplate_functions import ANEW  # noqa: PLC0415
    from sensors.languages.gotemplate_times import Dates  # noqa: PLC0415
    from sensors.languages.gotemplate_values import OF_TYPES  # noqa: PLC0415

    theirs = text_func_map(clock=lambda: _moment.get().now, entropy=_random_bytes, randbelow=_random_below)
    return {**theirs, **ANEW, **OF_TYPES, **Dates(lambda: _moment.get().now).functions()}


@contextmanager
def moment(now: datetime, seed: bytes) -> Iterator[None]:
    """Functions called inside have this time and this source of randomness."""
    token = _moment.set(_Moment(now, seed))
    try:
        yield
    finally:
        _moment.reset(token)


def parse_time(layout: str, text: str, zone: tzinfo) -> tuple[datetime, int]:
    """A time as Go's layouts have it, and its nanoseconds below the second. Raises `ValueError`."""
    from gotpl.funcs.sprig import dates  # noqa: PLC0415

    parsed = dates._parse_go_time(layout, text, zone)  # noqa: SLF001
    return parsed, int(getattr(parsed, "nanosecond", parsed.microsecond * 1000))


def format_time(moment_: datetime, nanosecond: int, layout: str) -> str:
    """A time as Go's layouts have it."""
    from gotpl.funcs.sprig import dates  # noqa: PLC0415

    return str(dates._go_time_from_datetime(moment_, nanosecond).format(layout))  # noqa: SLF001


def _random_bytes(count: int) -> bytes:
    return _moment.get().random.randbytes(count)


def _random_below(bound: int) -> int:
    return _moment.get().random.randrange(bound)


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    """The engine, imported when the first template is compiled: it takes 25 MB and a seventh of a second."""
    from gotpl import Environment, ExecutionBudget  # noqa: PLC0415
    from gotpl.funcs.sprig import dates  # noqa: PLC0415
    from gotpl.runtime.sync_vm import _builtin_functions  # noqa: PLC0415

    from sensors.languages.gotemplate_values import adapted, fix_lookup  # noqa: PLC0415

    if not callable(getattr(dates, "_local_timezone", None)):
        raise TemplateError("this version of gotpl is not supported: its local time zone cannot be fixed")
    # The machine's zone must not show in what a firing sends; the original runs in UTC.
    dates._local_timezone = lambda: UTC  # noqa: SLF001
    fix_lookup()
    builtins = {name: function for name, function in _builtin_functions("go").items() if name in _WRAPPED_BUILTINS}
    functions = limited(
        adapted(
            {
                **builtins,
                **_sprig(),
            }
        )
    )
    return Environment(functions=functions, budget=ExecutionBudget.strict())


_WRAPPED_BUILTINS = frozenset(("print", "println", "html", "js", "urlquery", "index", "eq", "ne"))
