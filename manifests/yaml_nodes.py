"""Composing YAML text into nodes that know where they stand, with bounds that hostile text cannot pass.

The C parser of PyYAML gives events; composing is ours, because the library's composer follows nesting on the C stack,
expands nothing but also bounds nothing, and refuses an anchor that is defined twice.
"""

from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_DEPTH = 128
"""Levels of nesting, aliases followed."""
MAX_NODES = 200_000
"""Values of one document, aliases expanded. A cluster stores 1.5 MiB an object, which holds fewer."""


class YamlError(Exception):
    """The text cannot be read. `line` and `column` count from 1 within the text given."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


@dataclass(slots=True, eq=False)
class Node:
    """One value in the text. `size` and `depth` count what is below, aliases expanded."""

    line: int
    column: int
    tag: str | None
    size: int = field(default=1, init=False)
    depth: int = field(default=1, init=False)


@dataclass(slots=True, eq=False)
class ScalarNode(Node):
    """Text; `plain` where it was written without quotes and block marks."""

    text: str
    plain: bool


@dataclass(slots=True, eq=False)
class SequenceNode(Node):
    """A list."""

    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class MappingNode(Node):
    """Keys and values as written. `fields` is filled when the value is built: by key, merged ones included."""

    pairs: list[tuple[Node, Node]] = field(default_factory=list)
    fields: dict[str, tuple[Node, Node]] = field(default_factory=dict)
    pending: Node | None = None
    """A key whose value has not come yet."""


def compose(text: str, *, line: int = 0, column: int = 0) -> Node | None:
    """Return the one document in `text`, which starts after `line` lines and `column` characters of its file.

    None where it is empty. Raises `YamlError` with the place in the file. Takes time linear in the text and stops at
    the first value past `MAX_DEPTH` or `MAX_NODES`.
    """
    return _Composer(text, line, column).document()


class _Composer:
    def __init__(self, text: str, line: int, column: int) -> None:
        self._parser = yaml.CSafeLoader(text)
        self._line = line
        self._column = column
        self._open: list[SequenceNode | MappingNode] = []
        self._anchors: dict[str, Node] = {}
        self._count = 0
        self._root: Node | None = None

    def document(self) -> Node | None:
        try:
            while (event := self._parser.get_event()) is not None:
                self._take(event)
        except yaml.MarkedYAMLError as exc:
            mark = exc.problem_mark or exc.context_mark
            raise YamlError(_plain_words(exc), *self._place_of(mark)) from None
        except yaml.YAMLError as exc:
            raise YamlError(f"not readable as YAML: {exc}".splitlines()[0], *self._place_of(None)) from None
        return self._root

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            plain = event.tag is None and bool(event.implicit[0])
            self._place(ScalarNode(*self._at(event), event.tag, event.value, plain), event.anchor)
        elif isinstance(event, yaml.MappingStartEvent):
            self._enter(MappingNode(*self._at(event), event.tag), event.anchor)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._enter(SequenceNode(*self._at(event), event.tag), event.anchor)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            self._leave()
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event)

    def _at(self, event: yaml.Event) -> tuple[int, int]:
        return self._place_of(event.start_mark)

    def _place_of(self, mark: Any) -> tuple[int, int]:
        if mark is None:
            return self._line + 1, self._column + 1
        return self._line + mark.line + 1, mark.column + 1 + (0 if mark.line else self._column)

    def _place(self, node: Node, anchor: str | None) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            raise YamlError(f"the document has more than {MAX_NODES:,} values; split it", node.line, node.column)
        if anchor is not None:
            self._anchors[anchor] = node
        if not self._open:
            if self._root is not None:
                raise YamlError("a second document starts here; put '---' on a line of its own before it", node.line, node.column)
            self._root = node
        else:
            _append(self._open[-1], node)

    def _enter(self, node: SequenceNode | MappingNode, anchor: str | None) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise YamlError(f"nested more than {MAX_DEPTH} levels deep", node.line, node.column)
        self._place(node, anchor)
        self._open.append(node)

    def _leave(self) -> None:
        node = self._open.pop()
        if self._open:
            _grow(self._open[-1], node)

    def _alias(self, event: yaml.AliasEvent) -> None:
        line, column = self._at(event)
        node = self._anchors.get(event.anchor or "")
        if node is None:
            raise YamlError(f"the alias *{event.anchor} names no anchor above it", line, column)
        if any(node is above for above in self._open):
            raise YamlError(f"the alias *{event.anchor} contains itself", line, column)
        self._count += node.size
        if self._count > MAX_NODES:
            raise YamlError(f"aliases expand to more than {MAX_NODES:,} values", line, column)
        if len(self._open) + node.depth > MAX_DEPTH:
            raise YamlError(f"aliases nest more than {MAX_DEPTH} levels deep", line, column)
        if not self._open:
            raise YamlError("a document cannot be an alias alone", line, column)
        _append(self._open[-1], node)
        _grow(self._open[-1], node)


def _append(parent: SequenceNode | MappingNode, node: Node) -> None:
    if isinstance(parent, SequenceNode):
        parent.items.append(node)
    elif parent.pending is None:
        parent.pending = node
    else:
        parent.pairs.append((parent.pending, node))
        parent.pending = None
    if isinstance(node, ScalarNode):
        parent.size += 1


def _grow(parent: SequenceNode | MappingNode, node: Node) -> None:
    if not isinstance(node, ScalarNode):
        parent.size += node.size
    parent.depth = max(parent.depth, node.depth + 1)


def _plain_words(exc: yaml.MarkedYAMLError) -> str:
    problem = exc.problem or exc.context or "not readable as YAML"
    if "cannot start any token" in problem:
        return "a character that cannot stand here; indent with spaces, not tabs, and quote text that starts with @, ` or %"
    if exc.context and exc.problem and "block" in exc.context:
        return f"{exc.problem}, {exc.context}; check the indentation"
    return f"{problem}{', ' + exc.context if exc.context and exc.context != problem else ''}"
