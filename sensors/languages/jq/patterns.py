"""jq's regular expressions: RE2 patterns with Go's matches."""

from collections.abc import Iterator
from typing import Any

from purejq.errors import JqError

from sensors.languages.jq.bounds import run
from sensors.languages.jq.text import Json, described, encode
from sensors.languages.patterns import PatternError, compile_pattern


def compiled(pattern: Json, flags: Json) -> tuple[Any, bool]:
    """The pattern, and whether every match is wanted. Raises `JqError`."""
    if not isinstance(pattern, str) or not isinstance(flags, str | None):
        raise JqError(f"a pattern must be a string, got: {described(pattern)}")
    flags = flags or ""
    if set(flags) - set("gim"):
        raise JqError(f"unsupported regular expression flag: {encode(flags)}")
    try:
        made = compile_pattern(("(?s)" if "m" in flags else "") + ("(?i)" if "i" in flags else "") + pattern)
    except PatternError as exc:
        raise JqError(f"invalid regular expression {encode(pattern)}: {exc}") from None
    return made, "g" in flags


def match(found: Any) -> dict[str, Json]:
    """What `match` gives for a match."""
    names = {index: name for name, index in found.re.groupindex.items()}
    captures = [_capture(found, index, names.get(index)) for index in range(1, found.re.groups + 1)]
    return {"offset": found.start(), "length": found.end() - found.start(), "string": found.group(), "captures": captures}


def _capture(found: Any, index: int, name: str | None) -> dict[str, Json]:
    text = found.group(index)
    if text is None:
        return {"name": name, "offset": -1, "length": 0, "string": None}
    return {"name": name, "offset": found.start(index), "length": len(text), "string": text}


def captured(found: Any) -> dict[str, Json]:
    """What `capture` gives for a match: groups by name."""
    return {name: found.group(name) for name in found.re.groupindex}


def matches(pattern: Any, text: str, every: bool) -> Iterator[Any]:
    """Go's matches: none that is empty right behind the one before."""
    at, last = 0, -1
    while at <= len(text):
        run.spend()
        found = pattern.search(text, at)
        if found is None:
            return
        empty = found.end() == found.start()
        if not (empty and found.start() == last):
            yield found
            if not every:
                return
        last = found.end()
        at = found.end() + 1 if empty else found.end()
