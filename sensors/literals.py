"""Which of many literals a text contains: automata in bounded segments, so that one more or less costs little.

Every contained literal is reported, those inside others too: `feature-1` stands in `feature-12`.
"""

from collections.abc import Iterator
from typing import Generic, NamedTuple, TypeVar

import ahocorasick

T = TypeVar("T")
Bucket = dict[T, None]
"""The entries of one literal, in the order they were added."""

FRESH = 16
"""So many new literals are looked for one by one before they get an automaton."""
SEGMENT = 32_768
"""Literals in one automaton at most: what a rebuild after an edit may cost."""
ABSORB = 4
"""A new automaton takes in the youngest ones that are at most this many times its size."""


class _Segment(NamedTuple):
    literals: list[str]
    automaton: ahocorasick.Automaton


class Literals(Generic[T]):
    """Entries by the literal that a text must contain for them."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket[T]] = {}
        self._fresh: dict[str, Bucket[T]] = {}
        self._segments: list[_Segment] = []
        self._empty = 0

    def __bool__(self) -> bool:
        return len(self._buckets) > self._empty

    def add(self, literal: str, entry: T) -> None:
        """Add `entry` under `literal`, which is not empty."""
        bucket = self._buckets.get(literal)
        if bucket is None:
            bucket = self._buckets[literal] = self._fresh[literal] = {}
        elif not bucket:
            self._empty -= 1
        bucket[entry] = None

    def discard(self, literal: str, entry: T) -> None:
        """Remove `entry` from under `literal`. An empty bucket stays in its automaton until half of all are empty."""
        bucket = self._buckets.get(literal)
        if bucket is None or entry not in bucket:
            return
        del bucket[entry]
        if bucket:
            return
        self._empty += 1
        if self._empty > FRESH and 2 * self._empty > len(self._buckets):
            self._forget_empty()

    def _forget_empty(self) -> None:
        self._buckets = {literal: bucket for literal, bucket in self._buckets.items() if bucket}
        self._fresh = dict(self._buckets)
        self._segments = []
        self._empty = 0

    def settle(self) -> None:
        """Build what was put off. `find` does it where needed; calling it beforehand spares the next event the wait."""
        if len(self._fresh) <= FRESH:
            return
        pool = list(self._fresh)
        while self._segments and len(self._segments[-1].literals) <= min(ABSORB * len(pool), SEGMENT - len(pool)):
            pool += self._segments.pop().literals
        for start in range(0, len(pool), SEGMENT):
            self._segments.append(self._build(pool[start : start + SEGMENT]))
        self._segments.sort(key=lambda segment: -len(segment.literals))
        self._fresh = {}

    def _build(self, literals: list[str]) -> _Segment:
        automaton = ahocorasick.Automaton()
        for literal in literals:
            automaton.add_word(literal, self._buckets[literal])
        automaton.make_automaton()
        return _Segment(literals, automaton)

    def find(self, text: str) -> Iterator[Bucket[T]]:
        """The buckets of every literal in `text`; one may come twice."""
        if len(self._fresh) > FRESH:
            self.settle()
        for literal, bucket in self._fresh.items():
            if literal in text:
                yield bucket
        for segment in self._segments:
            for _, bucket in segment.automaton.iter(text):
                yield bucket
