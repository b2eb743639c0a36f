"""Names of headers that are not UTF-8."""

from typing import Any

import pytest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from aiokafka.record.memory_records import MemoryRecords

from sources.kafka.header_names import Records


class Raw(str):
    """A name that is sent as other bytes."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xe2\x82n"


def batch(*names: str, compression: int = 0) -> bytes:
    builder = _DefaultRecordBatchBuilderPy(2, compression, False, -1, -1, -1, 100_000)
    for offset, name in enumerate(names):
        builder.append(offset, 1000 + offset, b"k", b"v%d" % offset, [("first", b"1"), (name, b"x"), ("last", None)])
    return bytes(builder.build())


def read(raw: bytes) -> list[tuple[int, bytes, str]]:
    records, found = Records(raw), []
    assert records.size_in_bytes() == len(raw)
    while records.has_next():
        following = records.next_batch()
        assert following is not None
        assert following.validate_crc()
        found += [(one.offset, one.value, one.headers[1][0]) for one in following]
    return found


@pytest.mark.parametrize("compression", [0, 1])
def test_they_hold_up_no_record(compression: int) -> None:
    raw = batch("a", compression=compression) + batch("a", Raw(), "b", Raw("x"), compression=compression) + batch("c")
    bad = "\ufffd\ufffd\ufffdn"
    expected = [(0, b"v0", "a"), (0, b"v0", "a"), (1, b"v1", bad), (2, b"v2", "b"), (3, b"v3", bad), (0, b"v0", "c")]
    assert read(raw) == expected


def test_the_library_alone_fails_on_them() -> None:
    records = MemoryRecords(batch(Raw()))
    with pytest.raises(UnicodeDecodeError):
        list(records.next_batch())  # when it no longer does, all of this can go


def test_a_batch_that_is_cut_off_is_left_to_the_library() -> None:
    raw = batch("a")
    assert read(raw + raw[:20]) == [(0, b"v0", "a")]
