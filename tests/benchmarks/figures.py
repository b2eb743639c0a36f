"""Small arithmetic on measured values."""

from collections.abc import Sequence


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The value that `percent` of the ascending `ordered` do not exceed (nearest rank); 0 where there are none."""
    if not ordered:
        return 0.0
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[min(len(ordered), int(rank)) - 1]
