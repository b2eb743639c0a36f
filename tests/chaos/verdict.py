"""Compares what was acknowledged with what the journal and the target say."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from chaos.life import Life
from chaos.target import Target

MEASURED_S = 8.0
"""A life of fewer seconds has too few samples for a slope."""


class Kind(StrEnum):
    """Which promise was not kept."""

    LOST = "lost"
    """Acknowledged, and not kept or not acted on."""
    DOUBLED = "doubled"
    """Kept twice, decided twice, or done under two keys."""
    DISORDERED = "out of order"
    LATE = "late"
    """Done, and longer after than undisturbed time explains."""
    GROWN = "grown"
    """Held more and more memory or files while it lived."""
    OTHER = "otherwise wrong"


class Broken(NamedTuple):
    """One promise that was not kept."""

    kind: Kind
    what: str


@dataclass(slots=True)
class Report:
    """The counts of a campaign. It passed when nothing is in `broken`."""

    seed: int
    struck: Counter[str] = field(default_factory=Counter)
    """Faults by kind."""
    kills: int = 0
    killed_before_ready: int = 0
    missing: dict[str, str] = field(default_factory=dict)
    """Faults that this machine cannot have, each with the reason."""
    acknowledged: int = 0
    repeated_tries: int = 0
    events: int = 0
    firings: int = 0
    calls: int = 0
    effects: int = 0
    repeated_calls: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    waits_s: list[float] = field(default_factory=list)
    """Undisturbed seconds from each acknowledgement to what the target did."""
    edits: Counter[str] = field(default_factory=Counter)
    """Manifests that were written while the service ran, by what they were like."""
    lives: defaultdict[int, Life] = field(default_factory=lambda: defaultdict(Life))
    """What each process held, by its id."""
    seconds: float = 0.0
    broken: list[Broken] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        return not self.broken

    def add(self, kind: Kind, what: str) -> None:
        """Note a promise that was not kept."""
        self.broken.append(Broken(kind, what))

    def text(self) -> str:
        """The report for people."""
        counts = Counter(kind for kind, _ in self.broken)
        struck = ", ".join(f"{count} {kind}" for kind, count in sorted(self.struck.items())) or "no fault"
        lines = [
            f"seed {self.seed}: {struck} in {self.seconds:.0f} s; {self.kills} kills ({self.killed_before_ready} before ready)",
            *[f"not on this machine: {fault}, because {reason}" for fault, reason in self.missing.items()],
            f"acknowledged {self.acknowledged} deliveries; {self.repeated_tries} tries had to be repeated",
            f"journal: {self.events} events, {self.firings} firings, outcomes {self.outcomes}",
            f"target: {self.calls} calls, {self.repeated_calls} of them repeats, {self.effects} effects",
            f"undisturbed time from acknowledged to done: {_quantiles(self.waits_s)}",
            *([f"edits: {', '.join(f'{count} {kind}' for kind, count in sorted(self.edits.items()))}"] if self.edits else []),
            _held(list(self.lives.values())),
            ", ".join(f"{counts[kind]} {kind}" for kind in Kind),
        ]
        shown = [f"{kind}: {what}" for kind, what in self.broken[:20]]
        more = [f"and {len(self.broken) - 20} more"] if len(self.broken) > 20 else []
        return "\n".join([*lines, *shown, *more])


def _quantiles(values: Sequence[float]) -> str:
    if not values:
        return "nothing measured"
    ordered = sorted(values)
    half, most = ordered[len(ordered) // 2], ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"half within {1000 * half:.0f} ms, 99 % within {1000 * most:.0f} ms, all within {ordered[-1]:.1f} s"


def _held(lives: Sequence[Life]) -> str:
    """What processes held; of the one that lived longest, also how that changed."""
    if not lives:
        return "no process was looked at"
    rss, files = max(max(life.rss_mib) for life in lives), max(max(life.descriptors) for life in lives)
    longest = max(lives, key=lambda life: life.seconds)
    return (
        f"{len(lives)} processes held at most {rss:.0f} MiB and {files} descriptors; the longest, of {longest.seconds:.0f} s, "
        f"from {longest.rss_mib[0]:.0f} to {longest.rss_mib[-1]:.0f} MiB and "
        f"from {longest.descriptors[0]} to {longest.descriptors[-1]} descriptors"
        + (f", by {longest.growth_mib_a_minute():+.1f} MiB a minute at its end" if longest.seconds >= MEASURED_S else "")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The journal as the API tells it: items of the lists of events and firings, newest first."""

    events: Sequence[dict[str, Any]]
    firings: Sequence[dict[str, Any]]

    def fired(self, sensor: str) -> list[dict[str, Any]]:
        """The firings of one sensor, oldest first."""
        return [firing for firing in reversed(self.firings) if firing["sensor"] == sensor]

    def kept(self, source: str) -> Counter[str]:
        """How often each id of a source is in the journal."""
        return Counter(event["id"] for event in self.events if event["source"] == source)


def judge(report: Report, book: Book, target: Target) -> None:
    """Fill `report` with counts, and with what no load may find in the journal or at the target."""
    report.events, report.firings = len(book.events), len(book.firings)
    report.calls, report.effects = target.calls.total(), len(target.effects)
    report.repeated_calls = report.calls - len(target.calls)
    report.outcomes = dict(Counter(firing["state"] for firing in book.firings))
    for (source, name, id_), times in Counter((e["source"], e["name"], e["id"]) for e in book.events).items():
        if times != 1:
            report.add(Kind.DOUBLED, f"{source}/{name}/{id_} is {times} times in the journal")
    for firing in book.firings:
        if firing["state"] != "succeeded":
            report.add(Kind.LOST, f"firing {firing['id']} of {firing['sensor']} ended as {firing['state']}: {firing['reason']}")
    ids = {firing["id"] for firing in book.firings}
    for key in target.calls:
        if key not in ids:
            report.add(Kind.OTHER, f"the target was called with the unknown key {key!r}")
    for key in target.disagreements:
        report.add(Kind.DOUBLED, f"a repeat under the key {key} said something else")
    if target.unkeyed:
        report.add(Kind.DOUBLED, f"{target.unkeyed} calls had no idempotency key")
