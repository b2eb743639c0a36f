"""Records whose headers have names that are not UTF-8, as programs in Go and C can write them.

The client library cannot read them, and the whole partition would stand still. Here they are read again by a slower way.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from sources.marshalled import readable

_BATCH_HEAD = 12
"""Bytes before what a batch counts: its first offset, and its length."""


class _Bytes(bytearray):
    """Text in it is read whatever it is."""

    def __getitem__(self, at: Any) -> Any:
        found = super().__getitem__(at)
        return _Bytes(found) if isinstance(at, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return readable(bytes(self))


class _AnyNames(_DefaultRecordBatchPy):  # type: ignore[misc]  # final to the library, which has no other way in
    """A batch in Python, which asks its buffer for the names."""

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer: bytearray = _Bytes(self._buffer)


class _Batch:
    """A batch as the library reads it, and otherwise from where that failed."""

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch, self._raw = batch, raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                read += 1
                yield record
        except UnicodeDecodeError:
            yield from islice(_AnyNames(self._raw), read, None)


class Records:
    """What was fetched of one partition, batch by batch."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._records, self._at = memoryview(raw), MemoryRecords(raw), 0

    def size_in_bytes(self) -> int:
        """Bytes in all."""
        return int(self._records.size_in_bytes())

    def has_next(self) -> bool:
        """Whether there is a batch more."""
        return bool(self._records.has_next())

    def next_batch(self) -> _Batch | None:
        """The next batch."""
        batch = self._records.next_batch()
        if batch is None:
            return None
        start = self._at
        self._at += _BATCH_HEAD + int.from_bytes(self._raw[start + 8 : start + _BATCH_HEAD], "big")
        return _Batch(batch, self._raw[start : self._at])


def read_any_names() -> None:
    """Have the library read all names, in this process; again changes nothing."""
    fetcher.MemoryRecords = Records
