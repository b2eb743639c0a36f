"""An attempt that is being made."""

import asyncio

from eventbus.firing import Outcome
from sensors.lanes import Lane


class UnderWay:
    """An attempt that is being made, and how to break it off."""

    __slots__ = ("began", "lane", "making", "outcome", "task")

    def __init__(self, lane: Lane, began: float, task: asyncio.Task[None]) -> None:
        self.lane = lane
        self.began = began
        """On the loop's clock."""
        self.task = task
        """It is done once the attempt is recorded."""
        self.making = True
        """False once the attempt has ended, and its record is being written."""
        self.outcome: Outcome | None = None
        """How the firing is to end instead, once somebody asked."""

    def cancel(self, outcome: Outcome) -> None:
        """Break it off; the first who asks says why."""
        if self.outcome is None and self.making:
            self.task.cancel()
        self.outcome = self.outcome or outcome

    def broken_off(self) -> bool:
        """Whether the attempt ended because somebody asked for that, and not because everything ends."""
        return self.outcome is not None and not self.task.uncancel()
