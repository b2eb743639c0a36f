"""Statement texts for many rows at a time: their cost is by statement more than by row."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

SIZES = (128, 64, 32, 16, 8, 4, 2, 1)
"""Rows of one statement. Few sizes, so that every text stays prepared in the statement cache."""

Execute = Callable[..., Any]
"""`Cursor.execute` of apsw: a statement and its bindings."""


class Rows:
    """An INSERT of any number of rows."""

    def __init__(self, head: str, width: int, tail: str = "") -> None:
        """`head` ends with `VALUES`; `width` is the number of columns."""
        self._width = width
        row = "(" + ",".join("?" * width) + ")"
        self._texts = {size: f"{head} {','.join([row] * size)} {tail}" for size in SIZES}

    def insert(self, execute: Execute, flat: Sequence[object]) -> None:
        """Insert the rows whose values follow one another in `flat`."""
        start, left = 0, len(flat) // self._width
        for size in SIZES:
            while left >= size:
                end = start + size * self._width
                execute(self._texts[size], flat if end - start == len(flat) else flat[start:end])
                start, left = end, left - size


class Lookup:
    """A SELECT of any number of keys."""

    def __init__(self, head: str) -> None:
        """`head` ends with `IN`."""
        self._texts = {size: f"{head} ({','.join('?' * size)})" for size in SIZES}

    def find(self, execute: Execute, keys: Sequence[object]) -> Iterator[Any]:
        """Yield the rows of `keys`, in no order."""
        start, left = 0, len(keys)
        for size in SIZES:
            while left >= size:
                yield from execute(self._texts[size], keys[start : start + size]).fetchall()
                start, left = start + size, left - size
