"""Regular expressions as Go has them: RE2, unanchored, linear time.

Semantics: Go's `regexp`, through the RE2 library whose syntax it shares. `required_literals` serves the index of sensors.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Protocol, cast

import re2

MAX_PATTERN_CHARACTERS = 65_536


class PatternError(ValueError):
    """The text is no pattern."""


class Pattern(Protocol):
    """A compiled pattern."""

    @property
    def pattern(self) -> str:
        """Its text."""

    def search(self, text: str) -> object | None:
        """The first match anywhere in `text`; None where there is none."""

    def finditer(self, text: str) -> Iterator[Any]:
        """All matches, one after the other."""


@lru_cache(maxsize=65_536)
def compile_pattern(text: str) -> Pattern:
    """Compile a pattern; the same text gives the same object. Raises `PatternError` with the reason."""
    if len(text) > MAX_PATTERN_CHARACTERS:
        raise PatternError(f"a pattern of {len(text)} characters; at most {MAX_PATTERN_CHARACTERS} are allowed")
    if refused := _only_in_re2(text):
        raise PatternError(f"error parsing regexp: invalid escape sequence: {refused}")
    try:
        return cast("Pattern", re2.compile(text, _options()))
    except re2.error as exc:
        reason = exc.args[0] if exc.args else exc
        reason = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise PatternError(f"error parsing regexp: {reason}") from None


@lru_cache(maxsize=1)
def _options() -> object:
    options = re2.Options()
    options.log_errors = False
    return options


def _only_in_re2(text: str) -> str | None:
    r"""The first escape that RE2 reads and Go does not: `\C`, a single byte."""
    position, quoted = 0, False
    while (position := text.find("\\", position)) >= 0:
        escape = text[position : position + 2]
        if quoted:
            quoted = escape != "\\E"
        elif escape == "\\C":
            return escape
        else:
            quoted = escape == "\\Q"
        position += 2 if not quoted or escape == "\\Q" else 1
    return None
