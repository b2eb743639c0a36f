"""JSON laid out for people, and without blanks.

Semantics: tidwall/pretty 1.2.0, which counts its line width in UTF-8 bytes.
"""

import re
from typing import NamedTuple

from sensors.languages.gonumbers import float_or_zero
from sensors.languages.jsontext import string_of

_UGLY = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|$))|[\x00-\x20]+', re.DOTALL)
_NUMBER = re.compile(rb"[^\x00-\x20,:\]}]*")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|$)', re.DOTALL)
_NUMBER_STARTS = b"0123456789-iI+N"
_KINDS = {b'"': 3, b"f": 1, b"t": 4, b"n": 0, b"[": 5, b"{": 5}


class Style(NamedTuple):
    """How to lay out."""

    width: int = 80
    """Bytes up to which an array stays on one line."""
    prefix: str = ""
    indent: str = "  "
    sort_keys: bool = False


def ugly(text: str) -> str:
    """`text` without blanks between tokens."""
    return _UGLY.sub(lambda found: found.group(1) or "", text)


def pretty(text: str, style: Style) -> str:
    """`text` laid out, with a newline at its end."""
    layout = _Layout(text.encode("utf-8", "replace"), style)
    layout.out += style.prefix.encode()
    layout.value(0, spread=True, tabs=0, line=0, limit=-1)
    if layout.out:
        layout.out += b"\n"
    return layout.out.decode("utf-8", "replace")


class _Layout:
    """The text being read and the text being written."""

    def __init__(self, text: bytes, style: Style) -> None:
        self.text = text
        self.style = style
        self.out = bytearray()

    def value(self, at: int, *, spread: bool, tabs: int, line: int, limit: int) -> tuple[int, int, bool]:
        """Write the next value: where it ended, where the last line began, and whether it fits one line so far."""
        text = self.text
        while at < len(text):
            first = text[at : at + 1]
            if first == b'"':
                return self._copy(_STRING, at), line, True
            if first in b"{[":
                return self._container(at, spread=spread, tabs=tabs, line=line, limit=limit)
            if first in _NUMBER_STARTS or (first == b"n" and text[at + 1 : at + 2] not in (b"u", b"")):
                return self._copy(_NUMBER, at), line, True
            word = {b"t": b"true", b"f": b"false", b"n": b"null"}.get(first)
            if word is not None:
                self.out += word
                return at + len(word), line, True
            at += 1
        return at, line, True

    def _copy(self, token: re.Pattern[bytes], at: int) -> int:
        found = token.match(self.text, at)
        end = found.end() if found else at + 1
        self.out += self.text[at:end]
        return end

    def _container(self, at: int, *, spread: bool, tabs: int, line: int, limit: int) -> tuple[int, int, bool]:
        opening = self.text[at]
        if self.style.width > 0:
            if spread and opening == ord("[") and limit == -1:
                room = self.style.width - (len(self.out) - line)
                if room > 3:
                    before = len(self.out)
                    end, _, fits = self._members(at, spread=False, tabs=0, line=0, limit=room)
                    if fits and len(self.out) - before <= room:
                        return end, line, True
                    del self.out[before:]
            elif limit != -1 and opening == ord("{"):
                return at, line, False
        return self._members(at, spread=spread, tabs=tabs, line=line, limit=limit)

    def _members(self, at: int, *, spread: bool, tabs: int, line: int, limit: int) -> tuple[int, int, bool]:
        text, out = self.text, self.out
        is_object = text[at] == ord("{")
        closing = ord("}") if is_object else ord("]")
        out.append(text[at])
        at += 1
        count = 0
        spans: list[tuple[bytes, int, int]] = []
        while at < len(text):
            if text[at] <= 0x20 or (is_object and text[at] not in (closing, ord('"'))):
                at += 1
                continue
            if text[at] == closing:
                if spread:
                    line = self._close(spans, count, tabs, line)
                out.append(closing)
                return at + 1, line, not is_object
            if count:
                out += b", " if self.style.width != -1 and not is_object else b","
            start = 0
            if spread:
                line = self._newline()
                start = len(out)
                self._indent(tabs + 1)
            key = b""
            if is_object:
                end = self._copy(_STRING, at)
                key, at = text[at:end], end
                out += b": " if spread else b":"
            at, line, fits = self.value(at, spread=spread, tabs=tabs + 1, line=line, limit=limit)
            if limit != -1 and not fits:
                return at, line, False
            spans.append((key, start, len(out)))
            count += 1
        return at, line, not is_object

    def _newline(self) -> int:
        """Break the line, over the blank that a comma left: where the line before it ends."""
        line = len(self.out)
        if self.out[-1:] == b" ":
            self.out[-1:] = b"\n"
        else:
            self.out += b"\n"
        return line

    def _indent(self, tabs: int) -> None:
        self.out += self.style.prefix.encode()
        self.out += self.style.indent.encode() * tabs

    def _close(self, spans: list[tuple[bytes, int, int]], count: int, tabs: int, line: int) -> int:
        if self.style.sort_keys and spans and spans[0][0]:
            self._sort(spans)
        if not count:
            return line
        line = self._newline()
        self._indent(tabs)
        return line

    def _sort(self, spans: list[tuple[bytes, int, int]]) -> None:
        ordered = sorted(spans, key=self._order)
        if ordered != spans:
            self.out[spans[0][1] :] = b",\n".join([bytes(self.out[start:end]) for _, start, end in ordered])

    def _order(self, span: tuple[bytes, int, int]) -> tuple[bytes, int, float, bytes]:
        key, start, end = span
        value = bytes(self.out[start:end]).strip()[len(key) + 1 :].strip()
        kind = _KINDS.get(value[:1], 2)
        number = float_or_zero(value.decode("utf-8", "replace")) if kind == 2 else 0.0
        said = string_of(value.decode("utf-8", "replace")).encode() if kind == 3 else value
        return string_of(key.decode("utf-8", "replace")).encode(), kind, number, b"" if kind == 2 else said
