"""How fast each partition may be read."""

from collections.abc import Collection, Iterable
from time import monotonic
from typing import Generic, TypeVar

PartitionT = TypeVar("PartitionT")


class Pace(Generic[PartitionT]):
    """Lets each partition give so many records a second; 0 is no limit."""

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._due: dict[PartitionT, float] = {}

    def share(self, most: int) -> int:
        """How many records to ask for at once: `most`, or a tenth of a second's worth."""
        return min(most, max(1, self._per_second // 10)) if self._per_second else most

    def ready(self, partitions: Collection[PartitionT]) -> list[PartitionT]:
        """Those of `partitions` that may give something now."""
        if not self._per_second:
            return list(partitions)
        now = monotonic()
        return [partition for partition in partitions if self._due.get(partition, 0.0) <= now]

    def wait_s(self, partitions: Iterable[PartitionT], most_s: float) -> float:
        """Seconds until one more of `partitions` may give something, `most_s` at most."""
        now = monotonic()
        waits = [due - now for partition in partitions if (due := self._due.get(partition, 0.0)) > now]
        return min([most_s, *waits])

    def took(self, partition: PartitionT, count: int) -> None:
        """Note that `partition` gave `count` records."""
        if self._per_second:
            self._due[partition] = max(self._due.get(partition, 0.0), monotonic()) + count / self._per_second

    def forget(self, partitions: Iterable[PartitionT]) -> None:
        """Forget partitions that others read now."""
        for partition in partitions:
            self._due.pop(partition, None)
