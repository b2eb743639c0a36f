"""What a process held while it lived: a number of files and an amount of memory that do not grow."""

from dataclasses import dataclass, field
from statistics import median

from chaos.service import Vitals


@dataclass(slots=True)
class Life:
    """One process, sampled."""

    at_s: list[float] = field(default_factory=list)
    rss_mib: list[float] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)

    def note(self, at_s: float, vitals: Vitals) -> None:
        """Add a sample."""
        self.at_s.append(at_s)
        self.rss_mib.append(vitals.rss_bytes / (1 << 20))
        self.descriptors.append(vitals.descriptors)

    @property
    def seconds(self) -> float:
        """How long it was looked at."""
        return self.at_s[-1] - self.at_s[0] if self.at_s else 0.0

    def growth_mib_a_minute(self) -> float:
        """Between the medians of the third and the last quarter, which lie a quarter of the life apart."""
        quarter = len(self.at_s) // 4
        grown = median(self.rss_mib[-quarter:]) - median(self.rss_mib[2 * quarter : 3 * quarter])
        return grown / (self.seconds / 4 / 60)

    def growth_descriptors(self) -> int:
        """Between the fewest of the second and of the last quarter.

        Calls to a target that hangs hold many for a while; a leak holds them for good.
        """
        quarter = len(self.at_s) // 4
        return min(self.descriptors[-quarter:]) - min(self.descriptors[quarter : 2 * quarter])
