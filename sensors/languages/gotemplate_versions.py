"""`semverCompare`. Semantics: constraints of Masterminds' semver 3.3.0, which Sprig calls."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from gotpl.funcs.sprig.semver import Version, semver

_VERSION = (
    r"v?([0-9|xX*]+)(\.[0-9|xX*]+)?(\.[0-9|xX*]+)?(-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_OPERATOR = r"=>|=<|>=|<=|!=|~>|[=><~^]|"
_ONE = re.compile(rf"\s*({_OPERATOR})\s*{_VERSION}\s*")
_ANY = re.compile(rf"({_OPERATOR})\s*{_VERSION}")
_LIST = re.compile(rf"\s*(?:{_OPERATOR})\s*{_VERSION}\s*(?:(?:\s+|,\s*)(?:{_OPERATOR})\s*{_VERSION}\s*)*")
_RANGE = re.compile(rf"\s*({_VERSION})\s+-\s+({_VERSION})\s*")
MAX_CHARACTERS = 1000


class _Constraint(NamedTuple):
    """One comparison."""

    operator: str
    version: Version
    without_minor: bool = False
    """Its version says no minor."""
    without_patch: bool = False
    dirty: bool = False
    """Its version is one of several: a part is left out or stands for any."""


def semver_compare(constraint: str, version: str) -> bool:
    """Whether `version` keeps to `constraint`. Raises `ValueError` where one is none."""
    if len(constraint) > MAX_CHARACTERS:
        raise ValueError(f"a constraint of {len(constraint)} characters; at most {MAX_CHARACTERS} are allowed")
    ranges = _RANGE.sub(lambda found: f">={found[1]}, <={found[7]} ", constraint)
    groups = [_group(text) for text in ranges.split("||")]
    asked = semver(version)
    return any(all(_holds(asked, one) for one in group) for group in groups)


def _group(text: str) -> list[_Constraint]:
    if not _LIST.fullmatch(text):
        raise ValueError(f"improper constraint: {text}")
    return [_constraint(found.group()) for found in _ANY.finditer(text)]


def _constraint(text: str) -> _Constraint:
    found = _ONE.fullmatch(text)
    if found is None:
        raise ValueError(f"improper constraint: {text}")
    operator, major, minor, patch, before = (found[at] or "" for at in range(1, 6))
    if _is_any(major):
        return _Constraint(operator, semver(f"0.0.0{before}"), dirty=True)
    if _is_any(minor):
        return _Constraint(operator, semver(f"{major}.0.0{before}"), without_minor=True, dirty=True)
    if _is_any(patch):
        return _Constraint(operator, semver(f"{major}{minor}.0{before}"), without_patch=True, dirty=True)
    return _Constraint(operator, semver(f"{major}{minor}{patch}{before}"))


def _is_any(part: str) -> bool:
    return part.removeprefix(".") in ("", "x", "X", "*")


def _holds(version: Version, one: _Constraint) -> bool:
    if version.Prerelease() and not one.version.Prerelease() and one.operator != "!=":
        return False
    return _OPERATORS[one.operator](version, one)


def _differs(version: Version, one: _Constraint) -> bool:
    wanted = one.version
    if one.dirty:
        if version.Prerelease() and not wanted.Prerelease():
            return False
        if wanted.Major != version.Major:
            return True
        if one.without_minor:
            return False
        if wanted.Minor != version.Minor:
            return True
        if one.without_patch:
            return bool(version.Prerelease() or wanted.Prerelease()) and version.Prerelease() != wanted.Prerelease()
    return version != wanted


def _greater(version: Version, one: _Constraint) -> bool:
    if not one.dirty or version.Major != one.version.Major:
        return version > one.version if not one.dirty else version.Major > one.version.Major
    if one.without_minor:
        return False
    return version.Minor > one.version.Minor if one.without_patch else version > one.version


def _at_most(version: Version, one: _Constraint) -> bool:
    if not one.dirty:
        return version <= one.version
    if version.Major != one.version.Major:
        return version.Major < one.version.Major
    return one.without_minor or version.Minor <= one.version.Minor


def _near(version: Version, one: _Constraint) -> bool:
    wanted = one.version
    if version < wanted:
        return False
    if not (wanted.Major or wanted.Minor or wanted.Patch or one.without_minor or one.without_patch):
        return True
    return version.Major == wanted.Major and (one.without_minor or version.Minor == wanted.Minor)


def _compatible(version: Version, one: _Constraint) -> bool:
    wanted = one.version
    if version < wanted:
        return False
    if wanted.Major > 0 or one.without_minor:
        return version.Major == wanted.Major
    if version.Major > 0:
        return False
    if wanted.Minor > 0 or one.without_patch:
        return version.Minor == wanted.Minor
    return version.Minor == 0 and version.Patch == wanted.Patch


def _equal(version: Version, one: _Constraint) -> bool:
    return _near(version, one) if one.dirty else version == one.version


def _at_least(version: Version, one: _Constraint) -> bool:
    return version >= one.version


_OPERATORS: Mapping[str, Callable[[Version, _Constraint], bool]] = {
    "": _equal,
    "=": _equal,
    "!=": _differs,
    ">": _greater,
    "<": lambda version, one: version < one.version,
    ">=": _at_least,
    "=>": _at_least,
    "<=": _at_most,
    "=<": _at_most,
    "~": _near,
    "~>": _near,
    "^": _compatible,
}
