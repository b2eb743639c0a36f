"""What each document of the files came to, remembered, so that one that did not change is not read again."""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice
from typing import Any, NamedTuple

from manifests.bus_object import read_event_bus
from manifests.event_source_object import read_event_source
from manifests.features import Feature
from manifests.files import Found
from manifests.header import is_manifest, read_header
from manifests.kinds import Kinds
from manifests.objects import EventBus, EventSource, Scenario, Sensor, ValueObject
from manifests.problems import Problem
from manifests.raw import Raw, raw_objects
from manifests.report import Report, moved
from manifests.sensor_object import read_sensor
from manifests.value_objects import read_value_object
from manifests.yaml_nodes import Node
from manifests.yaml_reader import MAX_DOCUMENTS, Chunk, Document, Piece, pieces_of, read_chunks, read_piece, too_many
from manifests.yaml_values import Path

Declaration = EventSource | Sensor | EventBus | ValueObject | Scenario


class Item(NamedTuple):
    """One object as it was read. None where it is refused, or is none of ours."""

    report: Report
    found: Declaration | None
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one document came to."""

    piece: Piece | None
    """None where not even the text of a document could be made out."""
    problems: tuple[Problem, ...]
    items: tuple[Item, ...]

    def moved(self, line: int) -> "Outcome":
        """The same, for the same text that begins after `line` lines."""
        if self.piece is None or self.piece.line == line:
            return self
        by = line - self.piece.line
        items = tuple(Item(item.report.moved(by), item.found, item.line + by, item.column) for item in self.items)
        return Outcome(replace(self.piece, line=line), tuple(moved(one, by) for one in self.problems), items)


class _Place:
    """Where an object stands: read again from its text, which is asked for seldom."""

    __slots__ = ("_file", "_piece", "_prefix")

    def __init__(self, file: str, piece: Piece, prefix: Path) -> None:
        self._file, self._piece, self._prefix = file, piece, prefix

    def node(self) -> Node | None:
        document = read_piece(self._file, self._piece)
        raws = raw_objects(document) if isinstance(document, Document) else ()
        return next((raw.node for raw in raws if raw.prefix == self._prefix), None)

    def moved(self, lines: int) -> "_Place":
        return _Place(self._file, replace(self._piece, line=self._piece.line + lines), self._prefix)


class _Part(NamedTuple):
    """What the documents between two separators came to."""

    line: int
    """Lines before it."""
    outcomes: list[Outcome]

    def moved(self, line: int) -> list[Outcome]:
        """The same, for the same text that begins after `line` lines."""
        by = line - self.line
        return self.outcomes if not by else [one.moved(one.piece.line + by) if one.piece else one for one in self.outcomes]


class Reader:
    """Reads files into objects; with `remembers`, what did not change since the last time is not read again."""

    def __init__(self, kinds: Kinds, features: Collection[Feature], *, remembers: bool = False) -> None:
        self._kinds = kinds
        self._features = features
        self._remembers = remembers
        self._files: dict[tuple[str, bool], list[Outcome]] = {}
        self._parts: dict[tuple[str, bool], dict[bytes, _Part]] = {}
        self._digests: dict[tuple[str, bool], bytes] = {}
        """Of whole files: one that changed a moment ago is read again, and has mostly not changed since."""

    def read(self, file: Found) -> list[Outcome]:
        """What the documents of `file` came to, in order."""
        if file.data is None:
            return self._files[file.key]
        if not self._remembers:
            return self._read(file, file.data, {}, {})
        digest = blake2b(file.data, digest_size=16).digest()
        if self._digests.get(file.key) == digest:
            return self._files[file.key]
        parts: dict[bytes, _Part] = {}
        outcomes = self._read(file, file.data, self._parts.get(file.key, {}), parts)
        self._files[file.key], self._parts[file.key], self._digests[file.key] = outcomes, parts, digest
        return outcomes

    def keep(self, keys: Container[tuple[str, bool]]) -> None:
        """Forget every file that is not among `keys`."""
        for gone in [key for key in self._files if key not in keys]:
            del self._files[gone], self._parts[gone], self._digests[gone]

    def _read(self, file: Found, data: bytes, former: Mapping[bytes, _Part], parts: dict[bytes, _Part]) -> list[Outcome]:
        """Look only at the parts that are not as before; `parts` takes what they came to."""
        outcomes: list[Outcome] = []
        texts: Mapping[tuple[str, int], Outcome] | None = None
        for chunk in read_chunks(file.name, data):
            if isinstance(chunk, Problem):
                return [Outcome(None, (chunk,), ())]
            key = chunk.key() if self._remembers else b""
            known = former.get(key)
            if known is not None and all(one.piece for one in known.outcomes):
                part = _Part(chunk.line, known.moved(chunk.line))
            else:
                texts = _by_text(self._files.get(file.key, ())) if texts is None else texts
                part = _Part(chunk.line, list(self._part(file, chunk, texts)))
            parts[key] = part
            outcomes += part.outcomes
            if len(outcomes) > MAX_DOCUMENTS:
                flood = outcomes[MAX_DOCUMENTS].piece
                return [*outcomes[:MAX_DOCUMENTS], Outcome(None, (too_many(file.name, flood.line if flood else chunk.line),), ())]
        return outcomes

    def _part(self, file: Found, chunk: Chunk, former: Mapping[tuple[str, int], Outcome]) -> Iterator[Outcome]:
        for piece in islice(pieces_of(file.name, chunk), MAX_DOCUMENTS + 1):
            if isinstance(piece, Problem):
                yield Outcome(None, (piece,), ())
                continue
            known = former.get((piece.text, piece.column))
            yield known.moved(piece.line) if known is not None else self._fresh(file, piece)

    def _fresh(self, file: Found, piece: Piece) -> Outcome:
        document = read_piece(file.name, piece)
        if document is None or isinstance(document, Problem):
            return Outcome(piece, () if document is None else (document,), ())
        items = [self._item(raw, tolerant=not file.named) for raw in raw_objects(document)]
        if self._remembers:
            for item in items:
                item.report.settle(_Place(file.name, piece, item.report.prefix))
        return Outcome(piece, (), tuple(items))

    def _item(self, raw: Raw, *, tolerant: bool) -> Item:
        report = Report(raw.file, raw.node, prefix=raw.prefix)
        if not tolerant or is_manifest(raw.value):
            for fault in raw.faults:
                report.unreadable(fault.line, fault.column, fault.message)
        found = read_object(raw.value, report, self._kinds, self._features, tolerant=tolerant)
        return Item(report, None if report.refused else found, *report.place(()))


def _by_text(outcomes: Iterable[Outcome]) -> dict[tuple[str, int], Outcome]:
    return {(one.piece.text, one.piece.column): one for one in outcomes if one.piece is not None}


def read_object(value: Any, report: Report, kinds: Kinds, features: Collection[Feature], *, tolerant: bool) -> Declaration | None:
    """The object that `value` declares, or None; the report tells why."""
    header = read_header(value, report, tolerant=tolerant)
    if header is None:
        return None
    if header.ref.kind in ("Secret", "ConfigMap"):
        return read_value_object(value, header, report)
    spec = value.get("spec")
    if header.ref.kind == "EventBus":
        return read_event_bus(spec, header, report)
    if header.ref.kind == "Scenario":
        from manifests.scenario_object import read_scenario  # noqa: PLC0415 - only who keeps scenarios pays for it

        return read_scenario(spec, header, report)
    read = read_event_source if header.ref.kind == "EventSource" else read_sensor
    return read(spec, header, report, kinds, features)
