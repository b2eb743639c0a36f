"""Endpoints as paths and as templates with variables: `/x/{name}`, `/x/{id:[0-9]+}`.

Semantics: gorilla/mux 1.8, which Argo Events routes with: a variable is one segment or what its pattern matches, and a template
stands for the whole path, decoded. What the variables hold is nowhere to be seen, there as here.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple
from urllib.parse import unquote

_LITERAL = re.compile(r"[!-~]*")
_SEGMENT = "[^/]+"
_SAMPLES = ("x", "1", "a-1")
"""What variables are tried with, to find a path that two templates take."""
_MOST_TRIES = 64
_VARIABLE = "\0"


class Template(NamedTuple):
    """An endpoint. Two with the same `key` take the same paths, whatever their variables are called."""

    text: str
    key: str
    parts: tuple[str, ...]
    """Literal text and patterns of variables by turns."""
    segments: tuple[str, ...] = ()
    """What stands between slashes; `_VARIABLE` for each that holds one."""
    pattern: Any = None
    """What paths it takes; None where it takes the one that it is."""

    def takes(self, path: str) -> bool:
        """Whether a decoded path is one of it."""
        return path == self.text if self.pattern is None else self.pattern.fullmatch(path) is not None

    @property
    def rank(self) -> tuple[int, int, str]:
        """Where two take the same path it is for the lower one: for the one that says more, from the left."""
        return -len(self.parts[0]), -sum(map(len, self.parts[::2])), self.key


@lru_cache(maxsize=4096)
def template(text: str) -> Template:
    """`text` as a template. Raises `ValueError` where no request can have such a path."""
    if not text:
        raise ValueError("missing; expected the path to listen on, such as /push")
    parts = tuple(_parts(text))
    for literal in parts[::2]:
        if not text.startswith("/") or not _LITERAL.fullmatch(literal) or "?" in literal or "#" in literal:
            raise ValueError("expected a path that starts with / and has no spaces, ? or #, as it stands in a URL, such as /push")
    if len(parts) == 1:
        return Template(text, text, parts, _segments(parts))
    key = "".join(f"{{{part}}}" if n % 2 else part for n, part in enumerate(parts))
    return Template(text, key, parts, _segments(parts), _compiled(parts))


def decoded(path: str) -> str:
    """`path` as templates see it; empty where it is another way to write a path: with `//`, `.` or `..`."""
    path = unquote(path, errors="replace") if "%" in path else path
    segments = path.split("/")[1:]
    unclean = any(segment in (".", "..") for segment in segments) or "" in segments[:-1]
    return "" if unclean else path


def both_take(one: Template, other: Template) -> str:
    """A path that both take; empty where none was found, which is no proof that there is none."""
    pairs = list(zip(one.segments, other.segments, strict=False))
    apart = any(first != second and _VARIABLE not in (first, second) for first, second in pairs)
    if apart or len(one.segments) != len(other.segments):
        return ""
    choices = [
        _SAMPLES if first == second == _VARIABLE else (second if first == _VARIABLE else first,) for first, second in pairs
    ]
    for count, chosen in enumerate(product(*choices)):
        path = "/".join(chosen)
        if one.takes(path) and other.takes(path):
            return path
        if count >= _MOST_TRIES:
            break
    return ""


def _segments(parts: tuple[str, ...]) -> tuple[str, ...]:
    text = "".join(_VARIABLE if n % 2 else part for n, part in enumerate(parts))
    return tuple(_VARIABLE if _VARIABLE in segment else segment for segment in text.split("/"))


def _parts(text: str) -> Iterator[str]:
    """Literal text and patterns of variables by turns, literal text first and last. Raises `ValueError`."""
    level = start = 0
    for at, char in enumerate(text):
        if char == "{":
            level += 1
            if level == 1:
                yield text[start:at]
                start = at
        elif char == "}":
            level -= 1
            if level == 0:
                yield _variable(text[start : at + 1])
                start = at + 1
            elif level < 0:
                break
    if level:
        raise ValueError(f"{text!r} has braces that do not belong together; write {{name}} or {{name:pattern}}")
    yield text[start:]


def _variable(text: str) -> str:
    name, colon, pattern = text[1:-1].partition(":")
    if not name or (colon and not pattern):
        raise ValueError(f"{text} lacks a name or a pattern; write {{name}} for one segment, or {{name:pattern}}")
    return pattern or _SEGMENT


def _compiled(parts: tuple[str, ...]) -> Any:
    import re2  # noqa: PLC0415 - only who has such endpoints pays for it

    options = re2.Options()
    options.log_errors = False
    for pattern in parts[1::2]:
        try:
            groups = re2.compile(pattern, options).groups
        except re2.error as exc:
            reason = exc.args[0] if exc.args else exc
            said = reason.decode() if isinstance(reason, bytes) else reason
            raise ValueError(f"{pattern!r} is not a pattern: {said}") from None
        if groups:
            raise ValueError(f"the pattern {pattern!r} holds a capturing group; write (?:…) instead of (…)")
    whole = "".join(f"(?:{part})" if n % 2 else re2.escape(part) for n, part in enumerate(parts))
    return re2.compile(whole, options)
