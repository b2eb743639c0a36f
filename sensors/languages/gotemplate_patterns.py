"""Sprig's functions on patterns, by RE2 as everywhere else. Semantics: `regexp` of Go."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sensors.languages.gotemplate_types import NilTexts
from sensors.languages.patterns import Pattern, PatternError, compile_pattern

_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|(?P<name>\w+)|\{(?P<braced>\w+)\})")


def _matches(pattern: Pattern, text: str) -> Iterator[Any]:
    """Every match but the empty one right after another."""
    end = -1
    for found in pattern.finditer(text):
        if found.end() > found.start() or found.start() != end:
            yield found
        end = found.end()


def _match(pattern: str, text: str) -> bool:
    """Whether it matches; a pattern that is none does not."""
    try:
        return _must_match(pattern, text)
    except PatternError:
        return False


def _must_match(pattern: str, text: str) -> bool:
    return compile_pattern(pattern).search(text) is not None


def _find(pattern: str, text: str) -> str:
    found: Any = compile_pattern(pattern).search(text)
    return "" if found is None else str(found.group())


def _find_all(pattern: str, text: str, count: int) -> list[Any]:
    """All matches, or the first `count`; a nil list where there are none."""
    found: list[Any] = []
    for match in _matches(compile_pattern(pattern), text):
        if len(found) == count:
            break
        found.append(match.group())
    return found or NilTexts()


def _split(pattern: str, text: str, count: int) -> list[Any]:
    """What stands between matches, in at most `count` parts; a nil list for 0."""
    matches = _matches(compile_pattern(pattern), text)
    if count == 0:
        return NilTexts()
    if pattern and not text:
        return [""]
    parts: list[Any] = []
    begin = end = 0
    for match in matches:
        if len(parts) == count - 1:
            break
        end = match.start()
        if match.end() != 0:
            parts.append(text[begin:end])
        begin = match.end()
    return parts if end == len(text) else [*parts, text[begin:]]


def _replace(pattern: str, text: str, new: Callable[[Any], str]) -> str:
    made, end = [], 0
    for match in _matches(compile_pattern(pattern), text):
        made += [text[end : match.start()], new(match)]
        end = match.end()
    return "".join([*made, text[end:]])


def _replace_all(pattern: str, text: str, template: str) -> str:
    """With `$1`, `${1}`, `$name` in `template` for groups; the longest name counts."""
    return _replace(pattern, text, lambda match: _REFERENCE.sub(lambda found: _group(match, found), template))


def _group(match: Any, found: re.Match[str]) -> str:
    if found["dollar"]:
        return "$"
    name = found["name"] or found["braced"]
    plain = name.isascii() and name.isdigit() and (name == "0" or name[0] != "0") and len(name) < _LONGEST
    number = int(name) if plain else match.re.groupindex.get(name, -1)
    return (match.group(number) or "") if 0 <= number <= match.re.groups else ""


_LONGEST = 9
"""Digits of the number of a group."""


def _replace_literally(pattern: str, text: str, new: str) -> str:
    return _replace(pattern, text, lambda _: new)


_BY_NAME: Mapping[str, Callable[..., object]] = {
    "Match": _match,
    "Find": _find,
    "FindAll": _find_all,
    "Split": _split,
    "ReplaceAll": _replace_all,
    "ReplaceAllLiteral": _replace_literally,
}
PATTERNS: Mapping[str, Callable[..., object]] = {
    **{f"regex{name}": function for name, function in _BY_NAME.items()},
    **{f"mustRegex{name}": function for name, function in _BY_NAME.items()},
    "mustRegexMatch": _must_match,
}
"""By name."""
