"""Compares what was acknowledged with what the journal and the target say."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chaos.senders import Acknowledged, Sent
from chaos.target import Target


@dataclass(frozen=True, slots=True)
class Fired:
    """A firing as the journal tells it."""

    id: str
    source: str
    event: str
    outcome: str
    """`open` while it has none."""
    attempts: int


@dataclass(slots=True)
class Report:
    """The counts of a campaign. It passed when `faults` is empty."""

    seed: int
    kills: int = 0
    killed_before_ready: int = 0
    acknowledged: int = 0
    repeated_tries: int = 0
    events: int = 0
    firings: int = 0
    calls: int = 0
    effects: int = 0
    repeated_calls: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The report for people."""
        lines = [
            f"seed {self.seed}: {self.kills} kills ({self.killed_before_ready} before it was ready) in {self.seconds:.0f} s",
            f"acknowledged {self.acknowledged} deliveries; {self.repeated_tries} tries had to be repeated",
            f"journal: {self.events} events, {self.firings} firings, outcomes {self.outcomes}",
            f"target: {self.calls} calls, {self.repeated_calls} of them repeats, {self.effects} effects",
        ]
        shown = self.faults[:20] + ([f"and {len(self.faults) - 20} more"] if len(self.faults) > 20 else [])
        return "\n".join([*lines, f"{len(self.faults)} faults" + (":" if shown else ""), *shown])


def fired_of(item: Mapping[str, Any]) -> Fired:
    """Read one firing of the API."""
    cause = item["causes"][0]
    return Fired(item["id"], cause["source"], cause["id"], item["state"], len(item["attempts"]))


def judge(report: Report, sent: Sent, events: Iterable[tuple[str, str]], firings: Sequence[Fired], target: Target) -> None:
    """Fill `report` with counts and with every promise that was not kept. `events` are (source, id) of the journal."""
    kept = Counter(events)
    report.acknowledged, report.repeated_tries = len(sent.acknowledged), sent.refused
    report.events, report.firings = kept.total(), len(firings)
    report.calls, report.effects = target.calls.total(), len(target.effects)
    report.repeated_calls = report.calls - len(target.calls)
    report.outcomes = dict(Counter(firing.outcome for firing in firings))
    report.faults += sent.mistaken
    report.faults += [f"{source}/{id_} is {times} times in the journal" for (source, id_), times in kept.items() if times != 1]
    report.faults += _lost(sent.acknowledged, kept, firings, target)
    report.faults += _of_firings(firings, target)


def _lost(
    acknowledged: Sequence[Acknowledged], kept: Counter[tuple[str, str]], firings: Sequence[Fired], target: Target
) -> list[str]:
    by_event = {(firing.source, firing.event): firing for firing in firings}
    faults = []
    for delivery in acknowledged:
        firing = by_event.get((delivery.source, delivery.id))
        name = f"{delivery.source}/{delivery.id} (n={delivery.n})"
        if (delivery.source, delivery.id) not in kept:
            faults.append(f"{name} was acknowledged and is not in the journal")
        if delivery.wanted and firing is None:
            faults.append(f"{name} matches and did not fire")
        if not delivery.wanted and firing is not None:
            faults.append(f"{name} does not match and fired")
        if delivery.wanted and firing is not None and target.effects.get(firing.id) != delivery.n:
            faults.append(f"{name}: the target did not act on it under the key {firing.id}")
    return faults


def _of_firings(firings: Sequence[Fired], target: Target) -> list[str]:
    per_event = Counter((firing.source, firing.event) for firing in firings)
    ids = {firing.id for firing in firings}
    faults = [f"{source}/{id_} fired {times} times" for (source, id_), times in per_event.items() if times != 1]
    faults += [f"firing {firing.id} ended as {firing.outcome}" for firing in firings if firing.outcome != "succeeded"]
    faults += [f"the target was called with the unknown key {key!r}" for key in target.calls if key not in ids]
    faults += [f"a repeat under the key {key} said something else" for key in target.disagreements]
    if target.unkeyed:
        faults.append(f"{target.unkeyed} calls had no idempotency key")
    return faults
