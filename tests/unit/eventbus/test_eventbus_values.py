"""Values of the bus: identities, rows, cursors, what is handed over, and errors."""

import errno
from pathlib import Path

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventbus.cursors import MAX_PAGE, check_limit, decode_cursor, encode_cursor
from eventbus.errors import BusDamaged, BusError, BusUnavailable
from eventbus.event import Event, Identity, Recorded
from eventbus.firing import TriggerRef, firing_id
from eventbus.sqlite.codec import OUTCOME_OF, OUTCOMES, checksum, decode, encode, with_earlier
from eventbus.sqlite.faults import RowDamaged, translate
from eventbus.sqlite.handover import Handover
from eventbus.sqlite.statements import Lookup, Rows

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBER = st.integers(-(1 << 63), (1 << 63) - 1)
EVENTS = st.builds(
    Event,
    namespace=TEXT,
    source=TEXT,
    name=TEXT,
    id=TEXT,
    type=TEXT,
    time=st.none() | TEXT,
    datacontenttype=st.none() | TEXT,
    data=st.none() | st.binary(max_size=50),
    attributes=st.dictionaries(TEXT, TEXT, max_size=3),
    correlation=st.none() | TEXT,
    causation=st.none() | TEXT,
    hops=st.integers(0, 1000),
)


def row_of(event: Event, earlier: int = 0):  # type: ignore[no-untyped-def]
    _, _, _, extra, _ = encode(event, 1 << 20)
    if earlier:
        extra = with_earlier(extra, earlier)
    crc = checksum(7, 8, 9, event.id, event.time, event.causation, extra, event.data)
    return (7, 8, 9, event.id, event.time, event.causation, extra, crc, event.data)


@given(EVENTS, st.integers(0, 5))
def test_an_event_comes_back_from_its_row_as_it_was(event: Event, earlier: int) -> None:
    kind = (event.namespace, event.source, event.name, event.type)
    assert decode(row_of(event, earlier), kind) == Recorded(7, 8, event)


@given(EVENTS, st.integers(0, 5))
def test_any_other_value_in_a_row_is_noticed(event: Event, column: int) -> None:
    row = list(row_of(event))
    column = (0, 1, 2, 3, 7, 8)[column]
    value = row[column]
    row[column] = value + 1 if isinstance(value, int) else (value or b"") + b"x" if column == 8 else f"{value}x"
    with pytest.raises(RowDamaged, match="checksum"):
        decode(tuple(row), (event.namespace, event.source, event.name, event.type))  # type: ignore[arg-type]


@given(st.lists(TEXT, min_size=4, max_size=4), st.lists(TEXT, min_size=4, max_size=4))
def test_two_identities_share_a_key_only_if_they_are_one(one: list[str], other: list[str]) -> None:
    assert (Identity(*one).key() == Identity(*other).key()) == (one == other)


@given(st.permutations([("a", "1"), ("a", "2"), ("b", "1")]), st.integers(0, 3))
def test_a_firing_has_the_same_id_in_whatever_order_its_causes_came(causes: list[tuple[str, str]], replay: int) -> None:
    trigger = TriggerRef("n", "s", "t")
    pairs = [(dependency, Identity("n", "s", "e", id)) for dependency, id in causes]
    assert firing_id(trigger, pairs, replay) == firing_id(trigger, sorted(pairs), replay)
    assert firing_id(trigger, pairs, replay) != firing_id(trigger, pairs, replay + 1)
    assert firing_id(trigger, pairs, replay) != firing_id(trigger, pairs[1:], replay)


@given(st.sampled_from([b"e", b"f"]), NUMBER, NUMBER)
def test_a_cursor_comes_back_as_it_was_made(name: bytes, first: int, second: int) -> None:
    assert decode_cursor(name, encode_cursor(name, first, second)) == (first, second)


@given(st.text(max_size=40))
def test_any_other_text_is_no_cursor(text: str) -> None:
    with pytest.raises(ValueError, match="use `next`"):
        decode_cursor(b"e", text)


def test_a_page_is_never_larger_than_allowed() -> None:
    assert check_limit(10_000) == MAX_PAGE
    assert check_limit(1) == 1


@given(st.integers(0, 700))
def test_rows_are_inserted_once_each_and_in_order(count: int) -> None:
    said: list[tuple[str, list[int]]] = []
    Rows("INSERT INTO t VALUES", 2).insert(lambda text, values: said.append((text, list(values))), list(range(2 * count)))
    assert [value for _, values in said for value in values] == list(range(2 * count))
    assert all(text.count("?") == len(values) for text, values in said)


@given(st.integers(0, 700))
def test_every_key_is_looked_up_once(count: int) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TABLE t(k)")
    connection.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(0, 700, 2)])
    found = Lookup("SELECT k FROM t WHERE k IN").find(connection.execute, list(range(count)))
    assert sorted(k for (k,) in found) == list(range(0, count, 2))
    connection.close()


def recorded(position: int) -> Recorded:
    return Recorded(position, 0, Event(namespace="n", source="s", name="e", id=str(position), type="t", time=None, data=b""))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=20), st.integers(1, 12), st.integers(1, 60), st.integers(1, 10))
def test_what_is_handed_over_follows_on_or_is_left_to_the_table(batches: list[int], room: int, behind: int, limit: int) -> None:
    handover = Handover(max_events=room, max_bytes=1 << 20)
    last = 0
    for size in batches:
        handover.put([recorded(last + n) for n in range(1, size + 1)], size)
        last += size
    after = max(0, last - behind)
    taken = handover.take(after, limit)
    assert handover.last == last
    if taken is None:
        # Whole batches give way, so up to four events fewer than there is room for are held.
        assert after < last - min(last, room - 4)
    else:
        assert [one.position for one in taken] == list(range(after + 1, min(after + limit, last) + 1))


def test_what_every_reader_has_passed_is_let_go() -> None:
    handover = Handover(max_events=100, max_bytes=100)
    handover.put([recorded(1), recorded(2)], 2)
    handover.put([recorded(3)], 1)
    handover.forget(1)
    assert handover.take(0, 5) is not None
    handover.forget(2)
    assert handover.take(0, 5) is None
    assert handover.take(2, 5) == [recorded(3)]


def test_every_outcome_has_a_number_of_its_own() -> None:
    assert {OUTCOME_OF[number]: number for number in OUTCOMES.values()} == OUTCOMES


@pytest.mark.parametrize(
    ("exc", "kind", "said"),
    [
        (apsw.FullError("x"), BusUnavailable, "is full; make room"),
        (apsw.ReadOnlyError("x"), BusUnavailable, "is read-only; make it"),
        (apsw.IOError("x"), BusUnavailable, "check the disk"),
        (apsw.BusyError("x"), BusUnavailable, "locked by another program"),
        (apsw.CantOpenError("x"), BusUnavailable, "may read and write it"),
        (apsw.CorruptError("page 3"), BusDamaged, "damaged (page 3)"),
        (apsw.NotADBError("x"), BusDamaged, "is no SQLite file"),
        (RowDamaged("row 3"), BusDamaged, "damaged (row 3)"),
        (OSError(errno.ENOSPC, "x"), BusUnavailable, "is full"),
        (OSError(errno.EACCES, "x"), BusUnavailable, "no permission"),
        (OSError(errno.EIO, "input/output error"), BusUnavailable, "input/output error"),
    ],
)
def test_errors_of_the_disk_say_what_to_do(exc: Exception, kind: type[BusError], said: str) -> None:
    error = translate(exc, Path("/data/tocsin.db"))
    assert type(error) is kind
    assert said in str(error)
    assert "/data/tocsin.db" in str(error)


@pytest.mark.parametrize(
    "exc", [apsw.ConstraintError("x"), TypeError("x"), OverflowError("x"), UnicodeEncodeError("u", "x", 0, 1, "x")]
)
def test_a_mistake_in_a_program_is_no_error_of_the_disk(exc: Exception) -> None:
    assert translate(exc, Path("/data/tocsin.db")) is None
