"""The language of `conditions`: names of dependencies, `&&`, `||` and parentheses.

Semantics: Argo Events, `template.conditions`: `&&` binds tighter, empty means all dependencies, `-` and `_` are the same
letter in a name. Names that are words of upstream's expression language work here.
"""

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from manifests.words import did_you_mean, quoted

MAX_NESTING = 100
MAX_ALTERNATIVES = 1024
_WORD = re.compile(r"\s*(\|\||&&|[()]|[\w.-]+|\S)")
_INSTEAD = {"&": "&&", "|": "||", "and": "&&", "or": "||", "AND": "&&", "OR": "||", ",": "&& or ||"}


class ConditionError(ValueError):
    """The condition cannot be read; the message says where and what to write."""


@dataclass(frozen=True, slots=True)
class Name:
    """Holds when the dependency has an event."""

    name: str


@dataclass(frozen=True, slots=True)
class All:
    """Holds when every part does."""

    parts: "tuple[Term, ...]"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Holds when one part does."""

    parts: "tuple[Term, ...]"


Term = Name | All | OneOf


@dataclass(frozen=True)
class Condition:
    """A parsed condition over dependency names, spelled as the dependencies are."""

    term: Term

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every dependency it mentions, once, in the order of mention."""
        return tuple(dict.fromkeys(_names(self.term)))

    @cached_property
    def joins(self) -> bool:
        """Whether it can need events of more than one dependency at once."""
        return any(isinstance(term, All) and len(set(_names(term))) > 1 for term in _walk(self.term))

    @cached_property
    def alternatives(self) -> tuple[frozenset[str], ...]:
        """The smallest sets of dependencies that make it true, in the order of mention.

        Raises `ConditionError` where there would be more than `MAX_ALTERNATIVES`.
        """
        return _alternatives(self.term)

    def __str__(self) -> str:
        """The condition with all its parentheses: the same for every way to write it."""
        return _spelled(self.term)

    def holds(self, present: Container[str]) -> bool:
        """Whether it is true when exactly the dependencies in `present` have an event."""
        return _holds(self.term, present)


class Names:
    """The dependency names that a condition may mention; make it once for all triggers of a sensor."""

    def __init__(self, names: Iterable[str]) -> None:
        self.all = tuple(dict.fromkeys(names))
        self._exact = frozenset(self.all)
        self._alike: dict[str, list[str]] = {}
        for name in self.all:
            self._alike.setdefault(name.replace("-", "_"), []).append(name)

    def __contains__(self, name: object) -> bool:
        return name in self._exact

    def meant_by(self, word: str) -> Sequence[str]:
        """The names that `word` may mean: itself, or those that differ in `-` and `_` only."""
        return (word,) if word in self._exact else self._alike.get(word.replace("-", "_"), ())


def parse_conditions(text: str, names: Names | Iterable[str]) -> Condition:
    """Parse `text` over the dependency `names`; empty means all of them. Raises `ConditionError`."""
    names = names if isinstance(names, Names) else Names(names)
    if not text.strip():
        every = tuple(map(Name, names.all))
        if not every:
            raise ConditionError("there are no dependencies to wait for")
        return Condition(every[0] if len(every) == 1 else All(every))
    return Condition(_Parser(text, names).parse())


class _Parser:
    def __init__(self, text: str, names: Names) -> None:
        self._words = [(found[1], found.start(1) + 1) for found in _WORD.finditer(text)]
        self._at = 0
        self._names = names

    def parse(self) -> Term:
        term = self._any(0)
        if self._at < len(self._words):
            word, column = self._words[self._at]
            raise ConditionError(f"expected && or || before {quoted(word)} at character {column}{_hint(word)}")
        return term

    def _any(self, nesting: int) -> Term:
        parts = [self._all(nesting)]
        while self._accept("||"):
            parts.append(self._all(nesting))
        return parts[0] if len(parts) == 1 else OneOf(tuple(parts))

    def _all(self, nesting: int) -> Term:
        parts = [self._unit(nesting)]
        while self._accept("&&"):
            parts.append(self._unit(nesting))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _unit(self, nesting: int) -> Term:
        if self._at >= len(self._words):
            raise ConditionError("expected the name of a dependency at the end")
        word, column = self._words[self._at]
        self._at += 1
        if word == "(":
            if nesting >= MAX_NESTING:
                raise ConditionError(f"more than {MAX_NESTING} parentheses inside each other")
            term = self._any(nesting + 1)
            if not self._accept(")"):
                raise ConditionError(f"the parenthesis at character {column} is not closed{self._hint_here()}")
            return term
        return Name(self._resolve(word, column))

    def _accept(self, word: str) -> bool:
        matches = self._at < len(self._words) and self._words[self._at][0] == word
        self._at += matches
        return matches

    def _hint_here(self) -> str:
        return _hint(self._words[self._at][0]) if self._at < len(self._words) else ""

    def _resolve(self, word: str, column: int) -> str:
        alike = self._names.meant_by(word)
        if len(alike) == 1:
            return alike[0]
        if alike:
            raise ConditionError(f"{quoted(word)} can mean {' or '.join(map(quoted, alike))}; write one of them exactly")
        if word == "!":
            raise ConditionError(f"'!' at character {column}: a condition cannot ask for an event that is absent")
        if not re.fullmatch(r"[\w.-]+", word):
            raise ConditionError(f"expected the name of a dependency, got {quoted(word)} at character {column}{_hint(word)}")
        raise ConditionError(f"{quoted(word)} is not a dependency of this sensor{did_you_mean(word, self._names.all)}")


def _hint(word: str) -> str:
    return f"; write {_INSTEAD[word]} instead of {quoted(word)}" if word in _INSTEAD else ""


def _spelled(term: Term) -> str:
    if isinstance(term, Name):
        return term.name
    return "(" + (" && " if isinstance(term, All) else " || ").join(map(_spelled, term.parts)) + ")"


def _walk(term: Term) -> Iterator[Term]:
    yield term
    if not isinstance(term, Name):
        for part in term.parts:
            yield from _walk(part)


def _names(term: Term) -> Iterator[str]:
    return (part.name for part in _walk(term) if isinstance(part, Name))


def _holds(term: Term, present: Container[str]) -> bool:
    if isinstance(term, Name):
        return term.name in present
    parts = (_holds(part, present) for part in term.parts)
    return all(parts) if isinstance(term, All) else any(parts)


def _alternatives(term: Term) -> tuple[frozenset[str], ...]:
    if isinstance(term, Name):
        return (frozenset((term.name,)),)
    inner = [_alternatives(part) for part in term.parts]
    if isinstance(term, OneOf):
        return _smallest([one for part in inner for one in part])
    sets: tuple[frozenset[str], ...] = (frozenset(),)
    for part in inner:
        sets = _smallest([left | right for left, right in product(sets, part)])
    return sets


def _smallest(sets: list[frozenset[str]]) -> tuple[frozenset[str], ...]:
    """Without repeats and without sets that hold a smaller one."""
    unique = list(dict.fromkeys(sets))
    if all(len(one) == 1 for one in unique):
        return tuple(unique)
    if len(unique) > MAX_ALTERNATIVES:
        raise ConditionError(f"the condition can become true in more than {MAX_ALTERNATIVES:,} ways; use fewer ||")
    return tuple(one for one in unique if not any(other < one for other in unique))
