"""What a file looks like from outside, to tell without reading it whether it changed."""

import os
from typing import NamedTuple

RACY_NS = 1_000_000_000
"""A file that changed within this time before it was looked at may change again without looking different."""


class Stamp(NamedTuple):
    """The look of one file. Links are followed, so a mount that swaps a link looks different."""

    modified_ns: int
    changed_ns: int
    size: int
    inode: int
    device: int

    @staticmethod
    def of(status: os.stat_result) -> "Stamp":
        """From what the system tells."""
        return Stamp(status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev)

    def settled(self, now_ns: int) -> bool:
        """Whether the same stamp later means the same content: clocks of file systems tick some hundred times a second."""
        return max(self.modified_ns, self.changed_ns) + RACY_NS < now_ns
