"""Each step of removing is small, whatever hangs on an event: appends wait behind it."""

from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec
import pytest
from bus_rig import GROUP, a_firing, close_all, some_events, unsound

from eventbus.contract import Decisions
from eventbus.event import Recorded
from eventbus.firing import Firing, TriggerRef, firing_id
from eventbus.retention import Retention
from eventbus.sqlite import SqliteBus, SqliteOptions, open_bus, removing
from eventbus.sqlite.clearing import EVENTS, STEP_FIRINGS
from eventbus.sqlite.store import Store

SENSORS = 40
QUICK_S = 0.005


def fired_by_many(recorded: Recorded) -> list[Firing]:
    """The firings of many sensors for one event."""
    one, found = a_firing(recorded), []
    for number in range(SENSORS):
        trigger = TriggerRef("default", f"on-push-{number}", "deploy")
        id = firing_id(trigger, [("push", recorded.event.identity)])
        found.append(msgspec.structs.replace(one, id=id, trigger=trigger))
    return found


async def crowded(folder: Path, clock: list[int], *, closed: bool) -> SqliteBus:
    """A bus on whose events many firings hang each."""
    bus = await open_bus(folder, options=SqliteOptions(now_us=lambda: clock[0], retain_interval_s=QUICK_S))
    await bus.read(GROUP, limit=1, timeout_s=0.0)
    await bus.append(some_events(EVENTS))
    while got := await bus.read(GROUP, limit=100, timeout_s=0.0):
        for recorded in got:
            await bus.commit(Decisions(group=GROUP, position=recorded.position, firings=fired_by_many(recorded)))
    if closed:
        await close_all(bus)
    return bus


def firings_at(store: Store, positions: Sequence[int]) -> int:
    rows = [store.execute("SELECT count(*) FROM causes WHERE position = ?", (one,)).fetchall() for one in positions]
    return sum(found[0][0] for found in rows)


@pytest.mark.parametrize("closed", [True, False], ids=["closed", "open"])
async def test_a_step_is_bounded_by_the_firings_that_hang_on_its_events(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: bool
) -> None:
    clock = [1_767_225_600_000_000]
    bus = await crowded(tmp_path, clock, closed=closed)
    looked_at: list[int] = []
    data_needed, record_needed = removing.data_needed, removing.record_needed

    def data(store: Store, positions: Sequence[int], needed: Collection[int]) -> set[int]:
        looked_at.append(firings_at(store, positions))
        return data_needed(store, positions, needed)

    def records(store: Store, positions: Sequence[int], closed_since_us: int | None) -> tuple[set[int], list[int]]:
        looked_at.append(firings_at(store, positions))
        return record_needed(store, positions, closed_since_us)

    monkeypatch.setattr(removing, "data_needed", data)
    monkeypatch.setattr(removing, "record_needed", records)
    clock[0] += 10_000_000
    bus.retain(Retention(age_s=1.0, journal_age_s=2.0), tuple)
    await bus.tidy()
    kept = await bus.journal.kept()
    # The newest event stays, and with it what hangs on it.
    assert kept.removed_events == (EVENTS - 1 if closed else 0)
    assert kept.removed_firings == (SENSORS * (EVENTS - 1) if closed else 0)
    assert len(looked_at) > EVENTS * SENSORS // STEP_FIRINGS
    assert max(looked_at) <= STEP_FIRINGS + SENSORS
    assert unsound(bus) == []
    await bus.aclose()
