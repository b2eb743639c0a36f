"""What a campaign does, drawn from its seed alone: the same plan is the same script on every machine."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How often the service is killed, and what else is done to it, under which load."""

    seed: int
    kills: int
    others: int = 0
    """Faults of other kinds, each drawn from `faults`."""
    faults: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ("calls",)
    longest_gap_s: float = 1.5
    """Between two faults the service runs undisturbed for up to this long."""
    target_faults: float = 0.1
    """Share of calls that the target answers badly at any time."""


class Step(NamedTuple):
    """One fault of the script."""

    number: int
    after_s: float
    """Seconds of peace before it."""
    fault: str
    seed: str
    """Of whatever the fault chooses."""

    def chance(self) -> random.Random:
        """The source of this step's choices."""
        return random.Random(self.seed)

    def __str__(self) -> str:
        return f"{self.number}. after {self.after_s:.2f} s {self.fault}"


def script(plan: Plan) -> Sequence[Step]:
    """The faults of `plan` in order."""
    chance = random.Random(f"script-{plan.seed}")
    kinds = ["kill"] * plan.kills + _spread(plan.faults, plan.others, chance)
    chance.shuffle(kinds)
    return [
        Step(number, chance.uniform(0.0, plan.longest_gap_s), kind, f"{plan.seed}-{number}")
        for number, kind in enumerate(kinds, 1)
    ]


def _spread(kinds: Sequence[str], count: int, chance: random.Random) -> list[str]:
    """`count` of `kinds`, each as often as any other, give or take one."""
    if not kinds:
        return []
    rounds, rest = divmod(count, len(kinds))
    return [*kinds] * rounds + chance.sample(kinds, rest)
