"""What text every match of a pattern must contain, for the index of sensors.

Reads only what it is sure of: a pattern with alternatives, flags or unknown syntax may require nothing at all.
"""

import re
from functools import lru_cache

_QUANTIFIER = re.compile(r"(?:[*+?]|\{(\d+)(,\d*)?\})\??")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|\[:[^:\]]*:\]|[^\]\\])*\]", re.DOTALL)
_PLAIN_ESCAPES = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_GROUP = re.compile(r"\((?:\?(?::|P?<[^>]*>))?")
_NAMED_CLASS = re.compile(r"\\[pP](?:\{[^}]*\}|.)", re.DOTALL)


class _UnsureError(Exception):
    """The pattern has something that this module does not read."""


@lru_cache(maxsize=65_536)
def required_literal(pattern: str) -> str | None:
    """The longest text that every match of `pattern` contains; None where there is none, or where it is not sure.

    `pattern` must be one that `compile_pattern` accepts.
    """
    try:
        runs, end = _sequence(pattern, 0)
    except (_UnsureError, RecursionError):
        return None
    if end != len(pattern):
        return None
    return max(runs, key=len, default="") or None


def _sequence(pattern: str, position: int) -> tuple[list[str], int]:
    """Read up to the end or an unmatched `)`: the texts that must occur, each without a break, and where it stopped.

    Alternatives require nothing: then the list is empty.
    """
    runs: list[str] = []
    run = ""
    alternatives = False
    while position < len(pattern) and pattern[position] != ")":
        if pattern[position] == "|":
            alternatives = True
            position += 1
            continue
        literal, inner, position, breaks = _atom(pattern, position)
        quantifier = _QUANTIFIER.match(pattern, position)
        if quantifier is not None:
            position = quantifier.end()
            if _QUANTIFIER.match(pattern, position):
                raise _UnsureError
            optional = _least(quantifier) == 0
            if not optional:
                runs.extend(inner)
            # What is repeated ends the run, with one occurrence still in it; what may be absent does not count.
            runs.append(run if optional else run + literal)
            run = ""
            continue
        runs.extend(inner)
        if breaks:
            runs.append(run)
            run = ""
        run += literal
    runs.append(run)
    return ([] if alternatives else [found for found in runs if found]), position


def _least(quantifier: re.Match[str]) -> int:
    mark = quantifier.group()[0]
    if mark == "{":
        return int(quantifier.group(1))
    return 1 if mark == "+" else 0


def _atom(pattern: str, position: int) -> tuple[str, list[str], int, bool]:
    """Read one atom: its literal character, what a group requires, where it ends, whether it breaks a run of literals."""
    character = pattern[position]
    if character in "^$":
        return "", [], position + 1, True
    if character == ".":
        return "", [], position + 1, True
    if character == "[":
        found = _CLASS.match(pattern, position)
        if found is None:
            raise _UnsureError
        return "", [], found.end(), True
    if character == "(":
        return _group(pattern, position)
    if character == "\\":
        return _escape(pattern, position)
    if character in "*+?":
        raise _UnsureError
    return character, [], position + 1, False


def _group(pattern: str, position: int) -> tuple[str, list[str], int, bool]:
    found = _GROUP.match(pattern, position)
    if found is None or pattern[found.end() : found.end() + 1] == "?":
        raise _UnsureError
    runs, end = _sequence(pattern, found.end())
    if pattern[end : end + 1] != ")":
        raise _UnsureError
    return "", runs, end + 1, True


def _escape(pattern: str, position: int) -> tuple[str, list[str], int, bool]:
    following = pattern[position + 1 : position + 2]
    if not following or following in "QE":
        raise _UnsureError
    if following in "dDsSwWbBAzC":
        return "", [], position + 2, True
    if following in "pP":
        found = _NAMED_CLASS.match(pattern, position)
        if found is None:
            raise _UnsureError
        return "", [], found.end(), True
    if following in _PLAIN_ESCAPES:
        return _PLAIN_ESCAPES[following], [], position + 2, False
    if following.isalnum():
        raise _UnsureError
    return following, [], position + 2, False
