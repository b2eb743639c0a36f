"""Setting values in JSON text by SJSON paths: what is not touched keeps its order and its formatting, new members go last.

Semantics: tidwall/sjson 1.2.5, which checks neither the document nor a raw value. Ours alone: an index past `MAX_INDEX`
is refused.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from sensors.languages.gjson_search import SearchLimitError, get, spent
from sensors.languages.jsontext import BLANKS, VALUE_START, members, parse, value_end
from sensors.languages.jsonwrite import go_json_string, sjson_string

MAX_INDEX = 65_536
"""Greatest index of an array that a path may name; the gap before it is filled with null."""

_COMPLEX = frozenset("|#@*?")


class SjsonError(ValueError):
    """The value cannot be set there."""


class Step(NamedTuple):
    """One component of a path."""

    key: str
    path: str
    """The component as a GJSON path finds it, escapes kept."""
    forced: bool
    """A key even if it looks like an index: written `:1`."""

    @property
    def place(self) -> int | None:
        """The index that this component is; None for a key. An empty component is 0."""
        if self.forced or not (self.key == "" or (self.key.isascii() and self.key.isdigit())):
            return None
        return int(self.key[-40:] or "0")

    @property
    def appends(self) -> bool:
        """Whether it stands for the place after the last element."""
        return self.key == "-1" and not self.forced


class Dest:
    """A compiled path."""

    __slots__ = ("steps", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.steps = _steps(text)
        """None for a path with `| # @ * ?`, which only replaces what it finds."""

    def set_text(self, document: bytes, text: str) -> bytes:
        """`document` with the string `text` at this path. Raises `SjsonError`."""
        return self.set_raw(document, sjson_string(text))

    def set_raw(self, document: bytes, raw: str) -> bytes:
        """`document` with the JSON text `raw` at this path. Raises `SjsonError`."""
        text = document.decode("utf-8", "replace")
        return self.edit(text, raw).encode("utf-8", "replace")

    def edit(self, text: str, raw: str) -> str:
        """The same on text."""
        if not self.text:
            raise SjsonError("path cannot be empty")
        spent.characters = 0
        try:
            return _replace(text, self.text, raw) if self.steps is None else _set(text, self.steps, raw)
        except RecursionError:
            raise SjsonError(f"path {self.text[:40]!r}… is too deep") from None
        except SearchLimitError as exc:
            raise SjsonError(str(exc)) from None

    def __repr__(self) -> str:
        return f"Dest({self.text!r})"


@lru_cache(maxsize=16_384)
def compile_dest(text: str) -> Dest:
    """Compile a path; the same text gives the same object. An empty path fails when it is set."""
    return Dest(text)


def set_raw(document: bytes, path: str, raw: str) -> bytes:
    """`document` with the JSON text `raw` at `path`. Raises `SjsonError`."""
    return compile_dest(path).set_raw(document, raw)


def set_string(document: bytes, path: str, text: str) -> bytes:
    """`document` with the string `text` at `path`. Raises `SjsonError`."""
    return compile_dest(path).set_text(document, text)


def _steps(path: str) -> tuple[Step, ...] | None:
    steps: list[Step] = []
    position = 0
    while True:
        forced = path[position : position + 1] == ":"
        start = position = position + forced
        key: list[str] = []
        while position < len(path) and path[position] != ".":
            if path[position] in _COMPLEX:
                return None
            position += path[position] == "\\"
            key.append(path[position : position + 1])
            position += 1
        steps.append(Step("".join(key), path[start:position], forced))
        if position >= len(path):
            return tuple(steps)
        position += 1


def _set(text: str, steps: Sequence[Step], raw: str) -> str:
    step = steps[0]
    found = get(text, step.path)
    if found.index > 0:
        inside = _set(found.raw, steps[1:], raw) if len(steps) > 1 else raw
        return text[: found.index] + inside + text[found.index + len(found.raw) :]
    container = parse(text) if text.strip(BLANKS) else ""
    if container[:1] not in ("{", "["):
        container = "{}" if step.place is None else "[]"
    if container[0] == "{":
        end = container.rfind("}")
        head = container[: max(0, end)]
        return f"{head}{_comma(container)}{_build(steps, raw, in_array=False)}}}"
    return _extend(container, steps, raw)


def _comma(container: str) -> str:
    """What must stand before a further member."""
    first = container[1:].lstrip(BLANKS)[:1]
    return "" if first in ("", "}", "]") else ","


def _extend(container: str, steps: Sequence[Step], raw: str) -> str:
    """An array with one more element, and null for those that are missing before it."""
    step = steps[0]
    built = _build(steps, raw, in_array=True)
    index = step.place
    if index is None:
        if not step.appends:
            raise SjsonError(f"cannot set array element for non-numeric key '{step.key}'")
        return f"{container.strip(BLANKS).removesuffix(']')}{_comma(container)}{built}]"
    elements = [element for _, element in members(container)]
    gap = ["null"] * (_bounded(index) - len(elements))
    return f"[{','.join([*elements, *gap, built])}]"


def _bounded(index: int) -> int:
    if index > MAX_INDEX:
        raise SjsonError(f"index {index} is greater than {MAX_INDEX}")
    return index


def _build(steps: Sequence[Step], raw: str, *, in_array: bool) -> str:
    """The new member, or element, that `steps` lead to."""
    name = "" if in_array else f"{sjson_string(steps[0].key)}:"
    if len(steps) == 1:
        return name + raw
    step = steps[1]
    if step.place is None and not step.appends:
        return f"{name}{{{_build(steps[1:], raw, in_array=False)}}}"
    return f"{name}[{'null,' * _bounded(step.place or 0)}{_build(steps[1:], raw, in_array=True)}]"


def _replace(text: str, path: str, raw: str) -> str:
    """Put `raw` in the place of everything that `path` finds, if anything.

    The original takes a wrong place for some paths (`a.#.b.#.c`) and damages the text there; here that is an error.
    """
    found = get(text, path)
    if not found.raw:
        return text
    places = [(found.index, found.raw)] if found.index else []
    if found.indexes:
        values = [value for _, value in members(found.raw)]
        if len(values) != len(found.indexes):
            return text
        places += sorted(zip(found.indexes, values, strict=True), key=lambda pair: -pair[0])
    end = len(text)
    for place, value in places:
        stop = place + len(value)
        if stop > end or not VALUE_START.match(text, place) or value_end(text, place) != place + len(value.rstrip(BLANKS)):
            raise SjsonError(f"path {path!r} finds values whose place cannot be told; name them by index")
        text = text[:place] + raw + text[stop:]
        end = place
    return text


_SIMPLE_DEST = re.compile(r"[A-Za-z_$][\w$/-]*(?:\.[A-Za-z_$][\w$/-]*)*", re.ASCII)


@dataclass(frozen=True, slots=True)
class PayloadPlan:
    """How a payload is built from nothing, worked out once for its list of paths."""

    dests: tuple[Dest, ...]
    _pieces: tuple[str, ...] | None
    """The text around the values; None where only editing gives the right text."""
    _order: tuple[int, ...]
    """Which value stands in each gap."""

    def build(self, raws: Sequence[str | None]) -> str:
        """The document in which each path has its JSON text; None leaves a path out. Raises `SjsonError`.

        Empty where nothing was set. The same text as setting one after the other in nothing.
        """
        pieces = self._pieces
        if pieces is None or None in raws:
            return self._edit(raws)
        if len(pieces) == 2:
            return f"{pieces[0]}{raws[0]}{pieces[1]}"
        woven = [""] * (2 * len(pieces) - 1)
        woven[::2] = pieces
        woven[1::2] = [raws[at] for at in self._order]  # type: ignore[misc]  # no None in it
        return "".join(woven)

    def _edit(self, raws: Sequence[str | None]) -> str:
        text = ""
        for dest, raw in zip(self.dests, raws, strict=True):
            if raw is not None:
                text = dest.edit(text, raw)
        return text


def compile_payload(paths: Sequence[str]) -> PayloadPlan:
    """Plan a payload whose values go to `paths`, in this order."""
    dests = tuple(compile_dest(path) for path in paths)
    tree: dict[str, object] = {}
    if not paths or not all(_SIMPLE_DEST.fullmatch(path) and _plant(tree, path.split("."), at) for at, path in enumerate(paths)):
        return PayloadPlan(dests, None, ())
    pieces, order = [""], list[int]()
    _weave(tree, pieces, order)
    return PayloadPlan(dests, tuple(pieces), tuple(order))


def _plant(tree: dict[str, object], keys: Sequence[str], at: int) -> bool:
    """Put a leaf into the tree of members; False where another path is in the way."""
    *parents, last = keys
    for key in parents:
        child = tree.setdefault(key, {})
        if not isinstance(child, dict):
            return False
        tree = child
    if last in tree:
        return False
    tree[last] = at
    return True


def _weave(tree: dict[str, object], pieces: list[str], order: list[int]) -> None:
    for first, (key, child) in enumerate(tree.items()):
        pieces[-1] += f'{"," if first else "{"}"{key}":'
        if isinstance(child, dict):
            _weave(child, pieces, order)
        else:
            order.append(child)  # type: ignore[arg-type]  # leaves are positions
            pieces.append("")
    pieces[-1] += "}"


__all__ = [
    "Dest",
    "PayloadPlan",
    "SjsonError",
    "compile_dest",
    "compile_payload",
    "go_json_string",
    "set_raw",
    "set_string",
    "sjson_string",
]
