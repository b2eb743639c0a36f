"""Reading one file's bytes into documents. What cannot be read is a problem of its document and leaves the others alone."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from itertools import islice
from typing import Literal

from manifests.objects import ObjectRef
from manifests.problems import Problem
from manifests.yaml_nodes import Node, YamlError, compose

MAX_DOCUMENTS = 20_000
"""Documents of one file; more are a mistake, and each costs time even when empty."""

_SEPARATOR = re.compile(rb"---(?=[ \t\r\n]|\Z)")
_ONLY_PRELUDE = re.compile(rb"(?:[ \t]*(?:#[^\n]*)?\r?\n|%[^\n]*\n)*")
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|\\.", re.DOTALL)
_KIND = re.compile(r"""^["']?kind["']?\s*:\s*["']?(EventSource|Sensor|EventBus|Secret|ConfigMap|Scenario)\b""", re.MULTILINE)
_METADATA = re.compile(r"^metadata\s*:(.*\n(?:[ \t#].*\n?|\n)*)", re.MULTILINE)
_NAME = re.compile(r"""(?:^|[\s{,])name\s*:\s*["']?([A-Za-z0-9._-]+)""", re.MULTILINE)
_NAMESPACE = re.compile(r"""(?:^|[\s{,])namespace\s*:\s*["']?([A-Za-z0-9._-]+)""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file."""

    file: str
    root: Node


@dataclass(frozen=True, slots=True)
class Chunk:
    """Part of a file between separators, and the place of its first character; lines and columns count from 0."""

    data: bytes
    line: int
    column: int

    def key(self) -> bytes:
        """Stands for the text and where in its line it begins: what has the same came to the same."""
        return blake2b(self.data, digest_size=16, salt=self.column.to_bytes(8)).digest()


@dataclass(frozen=True, slots=True)
class Piece:
    """The text of one document, and the place of its first character; lines and columns count from 0."""

    text: str
    line: int
    column: int


def read_documents(file: str, data: bytes) -> Iterator[Document | Problem]:
    """Give each document of `data` in order, or the problem that keeps it from being read. Empty ones are left out.

    A problem names the object it is about where that can still be made out. Takes time linear in `data`.
    """
    for piece in read_pieces(file, data):
        found = piece if isinstance(piece, Problem) else read_piece(file, piece)
        if found is not None:
            yield found


def read_pieces(file: str, data: bytes) -> Iterator[Piece | Problem]:
    """As `read_documents`, for documents that are still text."""
    count = 0
    for chunk in read_chunks(file, data):
        if isinstance(chunk, Problem):
            yield chunk
            return
        for piece in pieces_of(file, chunk):
            if count >= MAX_DOCUMENTS:
                yield too_many(file, piece.line)
                return
            count += 1
            yield piece


def read_chunks(file: str, data: bytes) -> Iterator[Chunk | Problem]:
    """The parts of `data` between separators, each of one document or of several objects of JSON; or why it cannot be read."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        yield Problem(file=file, line=1, column=1, message="the file is UTF-16; save it as UTF-8")
        return
    data = data.removeprefix(b"\xef\xbb\xbf")
    flood = next(islice(_separators(data), MAX_DOCUMENTS, None), None) if data.count(b"---") > MAX_DOCUMENTS else None
    if flood is not None:
        yield too_many(file, data.count(b"\n", 0, flood.start()))
        return
    yield from _split(data)


def read_piece(file: str, piece: Piece) -> Document | Problem | None:
    """The document in `piece`; None where it is empty."""
    try:
        root = compose(piece.text, line=piece.line, column=piece.column)
    except YamlError as exc:
        return Problem(file=file, line=exc.line, column=exc.column, message=exc.message, ref=guess_ref(piece.text))
    return None if root is None else Document(file, root)


def too_many(file: str, line: int) -> Problem:
    """There are more than `MAX_DOCUMENTS`, the first of them after `line` lines."""
    return Problem(file=file, line=line + 1, column=1, message=f"more than {MAX_DOCUMENTS:,} documents in one file; split it")


def _separators(data: bytes) -> Iterator[re.Match[bytes]]:
    """The `---` that begin a line and stand alone. Found ten times as fast as by a pattern that looks for lines itself."""
    at = 0
    while at >= 0:
        if found := _SEPARATOR.match(data, at):
            yield found
        at = data.find(b"\n---", at) + 1 or -1


def _split(data: bytes) -> Iterator[Chunk]:
    """Cut at `---` lines. YAML lets none stand inside a document, so a broken document cannot hide the next one."""
    start = counted = line = column = 0
    for found in _separators(data):
        prelude = _ONLY_PRELUDE.fullmatch(data, start, found.start())
        if prelude and b"%" in prelude[0]:
            continue  # directives belong to the document that follows
        if not prelude:
            yield Chunk(data[start : found.start()], line, column)
        line += data.count(b"\n", counted, found.start())
        start = counted = found.end()
        column = 3
    yield Chunk(data[start:], line, column)


def pieces_of(file: str, chunk: Chunk) -> Iterator[Piece | Problem]:
    """The documents in `chunk`, or why it cannot be read."""
    if not chunk.data.strip():
        return
    try:
        text = _decode(chunk.data)
    except YamlError as exc:
        column = exc.column + (chunk.column if exc.line == 1 else 0)
        ref = guess_ref(chunk.data.decode(errors="replace"))
        yield Problem(file=file, line=chunk.line + exc.line, column=column, message=exc.message, ref=ref)
        return
    yield from _json_pieces(text, chunk)


def _decode(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        before = data[: exc.start].decode()
        raise YamlError("not UTF-8 text; save the file as UTF-8", *_place_after(before)) from None
    if found := _UNREADABLE.search(text):
        name = "a NUL character" if found[0] == "\0" else f"the control character U+{ord(found[0]):04X}"
        raise YamlError(f"{name} is not allowed", *_place_after(text[: found.start()]))
    return text


def _json_pieces(text: str, chunk: Chunk) -> Iterator[Piece]:
    """Cut a stream of JSON objects into objects; anything else is one piece."""
    decoder = json.JSONDecoder()
    at, line, column = 0, chunk.line, chunk.column
    while (start := _skip_space(text, at)) < len(text) and text[start] == "{":
        try:
            end = decoder.raw_decode(text, start)[1]
        except (ValueError, RecursionError):
            break
        line, column = _advance(text, at, start, line, column)
        yield Piece(_join_surrogates(text[start:end]), line, column)
        line, column = _advance(text, start, end, line, column)
        at = end
    if at == 0 or text[at:].strip():
        yield Piece(text[at:], line, column)


def _advance(text: str, start: int, end: int, line: int, column: int) -> tuple[int, int]:
    lines = text.count("\n", start, end)
    return line + lines, end - text.rfind("\n", start, end) - 1 if lines else column + end - start


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _join_surrogates(text: str) -> str:
    """JSON writes characters past U+FFFF as two escapes; YAML wants one."""

    def join(found: re.Match[str]) -> str:
        if found[1] is None:
            return found[0]
        return f"\\U{0x10000 + ((int(found[1], 16) - 0xD800) << 10) + int(found[2], 16) - 0xDC00:08X}"

    return _SURROGATES.sub(join, text) if "\\u" in text else text


def _place_after(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def guess_ref(text: str) -> ObjectRef | None:
    """The object that unreadable text is probably about, so that its last good revision can be kept; None if unsure."""
    kind, metadata = _KIND.search(text), _METADATA.search(text)
    name = _NAME.search(metadata[1]) if metadata else None
    if kind is None or metadata is None or name is None:
        return None
    namespace = _NAMESPACE.search(metadata[1])
    known: Literal["EventSource", "Sensor", "EventBus", "Secret", "ConfigMap", "Scenario"] = kind[1]  # type: ignore[assignment]
    return ObjectRef(known, namespace[1] if namespace else "default", name[1])
