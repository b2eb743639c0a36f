"""Errors of the bus, grouped by what the catcher can do.

BusError                 any of these
├── BusUnavailable       transient: try again after `retry_after_s`
├── EventRejected        the log will never take this event: trying again cannot help
├── BusInUse             another process owns the data folder
└── BusDamaged           the store cannot be read: a person has to act
"""


class BusError(Exception):
    """Any error of the bus; the message says what happened, where, and what to do."""


class BusUnavailable(BusError):
    """The bus cannot take or give work now: full disk, read-only file, saturation, shutdown."""

    told = "the event cannot be stored now; try again"
    """What a stranger who sent the event is told; the message is for who runs the service."""

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class EventRejected(BusError):
    """The log will never take this event, for instance because it is larger than the store's limit."""


class BusInUse(BusError):
    """Another process runs on the same data folder."""


class BusDamaged(BusError):
    """The store is damaged, of a newer version, or not ours."""
