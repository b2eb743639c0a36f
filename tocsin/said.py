"""Who asked for a change, and why: kept with what is recorded of it."""

from typing import NamedTuple


class Said(NamedTuple):
    """Who asked for it, and why."""

    by: str = ""
    reason: str = ""

    def __str__(self) -> str:
        who = f" by {self.by}" if self.by else ""
        return who + (f": {self.reason}" if self.reason else "")
