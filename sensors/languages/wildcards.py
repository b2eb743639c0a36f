"""The `*` and `?` patterns of GJSON keys and queries.

Semantics: tidwall/match 1.1.1, without its limit on steps: matching here takes time in proportion to text and pattern.
"""

import re
from functools import lru_cache


@lru_cache(maxsize=4096)
def compile_wildcard(pattern: str) -> re.Pattern[str] | None:
    r"""A pattern for `fullmatch`; None where nothing can match: a `\` at the end escapes nothing."""
    pieces = _pieces(pattern)
    if pieces is None:
        return None
    if len(pieces) == 1:
        return re.compile(pieces[0], re.DOTALL)
    first, *middle, last = pieces
    # An atomic group takes the leftmost place of each piece for good, which is all that a star needs: no backtracking.
    between = "".join(f"(?>.*?{piece})" for piece in middle if piece)
    return re.compile(f"{first}{between}.*{last}", re.DOTALL)


def _pieces(pattern: str) -> list[str] | None:
    """The parts between stars as regular expressions."""
    pieces = [""]
    characters = iter(pattern)
    for character in characters:
        if character == "*":
            pieces.append("")
        elif character == "?":
            pieces[-1] += "."
        elif character == "\\":
            escaped = next(characters, None)
            if escaped is None:
                return None
            pieces[-1] += re.escape(escaped)
        else:
            pieces[-1] += re.escape(character)
    return pieces


def matches(text: str, pattern: str) -> bool:
    """Whether all of `text` matches `pattern`."""
    compiled = compile_wildcard(pattern)
    return compiled is not None and compiled.fullmatch(text) is not None
