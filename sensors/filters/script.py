"""The `script` filter: a Lua script that must give true.

Semantics: upstream's `filterScript`: absent data passes and the script is not run; data that is no JSON object errs, null counts
as an empty object; of several values the last one counts, and only boolean true passes.
"""

from typing import Any

from sensors.bound import EventView
from sensors.filters.held import Held, Needs
from sensors.languages.document import DocumentError
from sensors.languages.lua import LuaError, Script, compile_script


class ScriptFilter:
    """A compiled `script` filter."""

    __slots__ = ("_bad", "_script")
    needs: Needs = None

    def __init__(self, text: str) -> None:
        self._script: Script | None = None
        self._bad = ""
        try:
            self._script = compile_script(text)
        except LuaError as exc:
            self._bad = f"it cannot be read: {exc}"

    def holds(self, view: EventView) -> Held:
        """Whether the script gives true for the event's data."""
        if view.document is None:
            return Held.YES
        try:
            return Held.YES if self._compiled().holds(self._data(view), seed=_seed(view)) else Held.NO
        except (LuaError, DocumentError):
            return Held.ERROR

    def why(self, view: EventView) -> str:
        """What it gave instead of true, or how it failed."""
        try:
            return f"script: it gave {self._compiled().gave(self._data(view), seed=_seed(view))}, not true"
        except (LuaError, DocumentError) as exc:
            return f"script: {exc}"

    def _compiled(self) -> Script:
        if self._script is None:
            raise LuaError(self._bad)
        return self._script

    def _data(self, view: EventView) -> dict[str, Any]:
        data = view.document.floats if view.document is not None else None
        if data is None:
            data = {}
        if not isinstance(data, dict):
            raise LuaError("the data is no object")
        return data


def _seed(view: EventView) -> int:
    return int.from_bytes(view.event.identity.key()[:4])
