"""Transforms: a dependency's own reading of an event, made by a jq program or a Lua script before filters see it.

Semantics: Argo Events' `dependencies/transform.go`. Only the data changes, and its content type becomes JSON; an event without
data stays as it is; jq wins where both are written. What filters saw is what the request is rendered from: the same
event at the same clock gives the same data.
"""

from collections.abc import Mapping
from time import process_time
from typing import Protocol

import msgspec

from eventbus.event import UNPARSED
from manifests.objects import Transform as Declared
from sensors.bound import EventView
from sensors.filters.held import Clause, Held, Needs
from sensors.languages.document import DocumentError
from sensors.languages.jq import JqFailed, compile_program
from sensors.languages.jsonwrite import go_json
from sensors.languages.lua import LuaError, compile_script
from sensors.languages.time_limit import TimeUp, within

_SECONDS = 0.05
_SECONDS_PER_BYTE = 5e-7
"""Processor time of a program and of writing what it made, and more for each byte of the old data."""
_LEAST_S = 0.01
"""What is left for writing, however long the program took."""


class TransformFailed(ValueError):
    """The event cannot be transformed; the message says why."""


class _Program(Protocol):
    def made(self, view: EventView, now_us: int) -> object: ...


class Transform:
    """A compiled transform."""

    __slots__ = ("_program", "name", "sees_clock")

    def __init__(self, name: str, program: _Program, *, sees_clock: bool) -> None:
        self.name = name
        self._program = program
        self.sees_clock = sees_clock

    def apply(self, view: EventView, now_us: int) -> EventView:
        """`view` with the data that the program makes of it, made once for all that ask. Raises `TransformFailed`."""
        if view.document is None:
            return view
        key = self._key(now_us)
        made = view.transformed.get(key)
        if made is None:
            made = view.transformed[key] = self._made(view, now_us)
        if isinstance(made, str):
            raise TransformFailed(made)
        return made

    def keep(self, view: EventView, now_us: int, data: bytes) -> None:
        """Note the data that it made of `view` elsewhere."""
        view.transformed[self._key(now_us)] = _with_data(view, data)

    def _key(self, now_us: int) -> tuple["Transform", int]:
        return self, now_us if self.sees_clock else 0

    def _made(self, view: EventView, now_us: int) -> EventView | str:
        try:
            began = process_time()
            made = self._program.made(view, now_us)
            allowed_s = max(_LEAST_S, _SECONDS + len(view.event.data or b"") * _SECONDS_PER_BYTE + began - process_time())
            data = within(allowed_s, lambda: go_json(made), _nothing)
        except TimeUp:
            return f"transform.{self.name}: it made more than can be written in the time that is left for it"
        except (JqFailed, LuaError, DocumentError, ValueError) as exc:
            return f"transform.{self.name}: {exc}"
        return _with_data(view, data)


def _with_data(view: EventView, data: bytes) -> EventView:
    event = msgspec.structs.replace(view.event, data=data, datacontenttype="application/json", tree=UNPARSED)
    return EventView(event, now_us=view.now_us)


def _nothing() -> None:
    """There is no asking the writer to stop: it is cut off."""


Transforms = Mapping[str, Transform]
"""By dependency name; dependencies without one are absent."""


class _Jq:
    def __init__(self, text: str) -> None:
        self._program = compile_program(text)

    def made(self, view: EventView, now_us: int) -> object:
        data = _data(view)
        return self._program.transform(data, now_s=now_us / 1e6)


class _Lua:
    def __init__(self, text: str) -> None:
        self._script = compile_script(text)

    def made(self, view: EventView, now_us: int) -> object:
        del now_us
        return self._script.transform(_object(_data(view)), seed=seed_of(view))


def compile_transform(declared: Declared) -> Transform:
    """Compile what `declared` says. Raises `JqFailed` or `LuaError` with the reason."""
    if declared.jq:
        # A program that only mentions the word is computed anew once more than it needs to be, no worse.
        return Transform("jq", _Jq(declared.jq), sees_clock="now" in declared.jq)
    return Transform("script", _Lua(declared.script), sees_clock=False)


def _data(view: EventView) -> object:
    """The data, its numbers as floats. Raises `DocumentError` where it is no JSON."""
    if view.document is None:
        return None
    return view.document.floats


def _object(data: object) -> object:
    """What scripts take for the data: null counts as an empty object. Raises `LuaError` for what is neither."""
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise LuaError("the data is no object")
    return data


def seed_of(view: EventView) -> int:
    """What `math.random` starts from: the same for the same event."""
    return int.from_bytes(view.event.identity.key()[:4])


class Transformed:
    """A dependency's filters on what its transform makes of an event."""

    __slots__ = ("_transform", "filters")
    needs: Needs = None

    def __init__(self, transform: Transform, clause: Clause) -> None:
        self._transform = transform
        self.filters = clause

    def holds(self, view: EventView) -> Held:
        """Whether the filters hold; an error where the transform fails."""
        try:
            return self.filters.holds(self._transform.apply(view, view.now_us))
        except TransformFailed:
            return Held.ERROR

    def why(self, view: EventView) -> str:
        """Why the filters do not hold, or how the transform failed."""
        try:
            return self.filters.why(self._transform.apply(view, view.now_us))
        except TransformFailed as exc:
            return str(exc)


class Broken:
    """What cannot be compiled: it never holds. Its triggers are disabled, and the problem says why."""

    __slots__ = ("_why",)
    needs: Needs = ()

    def __init__(self, why: str) -> None:
        self._why = why

    def holds(self, view: EventView) -> Held:
        """Never."""
        del view
        return Held.ERROR

    def why(self, view: EventView) -> str:
        """What cannot be compiled."""
        del view
        return self._why


def transformed(declared: Declared | None, clause: Clause) -> tuple[Clause, Transform | None]:
    """`clause` behind the transform that `declared` asks for, and that transform. Never raises: see `check_dependency`."""
    if declared is None or not (declared.jq or declared.script):
        return clause, None
    try:
        transform = compile_transform(declared)
    except (JqFailed, LuaError) as exc:
        return Broken(f"transform.{'jq' if declared.jq else 'script'}: {exc}"), None
    return Transformed(transform, clause), transform
