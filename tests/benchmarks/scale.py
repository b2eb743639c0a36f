"""How long and how often to measure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The size of a run; the defaults take some half an hour."""

    rounds: int = 3
    seconds: float = 5.0
    """Of one measured load at full speed."""
    events: int = 20_000
    """Events of the whole road at full speed."""
    paced_seconds: float = 10.0
    flood_seconds: float = 60.0
    """For which a source floods."""
    sensors: tuple[int, ...] = (10, 1_000, 100_000)
    starts: int = 5
    edited_sensors: int = 10_000
    edits: int = 20
    history: int = 1_000_000
    """Events of a long history, and of a long backlog."""
    questions: int = 200
    """Of each kind."""
    soak_seconds: float = 600.0
    soak_limit_mib: int = 256
    """What `--retain-bytes` is while soaking."""


QUICK = Scale(
    rounds=1,
    seconds=2.0,
    events=4_000,
    paced_seconds=4.0,
    flood_seconds=4.0,
    sensors=(10, 1_000),
    starts=3,
    edited_sensors=1_000,
    edits=5,
    history=30_000,
    questions=50,
    soak_seconds=15.0,
    soak_limit_mib=64,
)
