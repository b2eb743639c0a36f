"""Order keys: of one trigger and key, only the oldest open firing is due; the others are held."""

from eventbus.sqlite.lanes import HELD
from eventbus.sqlite.statements import Execute

OLDEST = (
    "SELECT seq, due_us FROM firings INDEXED BY firings_key"
    " WHERE trigger = ? AND order_key = ? AND due_us IS NOT NULL ORDER BY seq LIMIT 1"
)


def oldest(execute: Execute, trigger: int, key: str) -> tuple[int, int] | None:
    """Number and due time of the oldest open firing, or None where none is open."""
    rows: list[tuple[int, int]] = execute(OLDEST, (trigger, key)).fetchall()
    return rows[0] if rows else None


def set_due(execute: Execute, seq: int, due_us: int) -> None:
    """Make an open firing due at another time."""
    execute("UPDATE firings SET due_us = ? WHERE seq = ? AND due_us IS NOT NULL", (due_us, seq))


def promote(execute: Execute, trigger: int, key: str, now_us: int) -> int | None:
    """Make the oldest open firing due where it is held; its number, or None where nothing changed."""
    head = oldest(execute, trigger, key)
    if head is None or head[1] != HELD:
        return None
    set_due(execute, head[0], now_us)
    return head[0]
