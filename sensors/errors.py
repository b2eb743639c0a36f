"""Errors of acting, grouped by what the dispatcher can do.

TriggerUnavailable   transient: again, later
TriggerRefused       permanent: dead letter
RenderError          permanent: the request cannot be built from these events
"""


class TriggerUnavailable(Exception):
    """Transient: again, later. `retry_after_s` is what the target asked for; `status` its status code, 0 where none."""

    def __init__(self, message: str, *, retry_after_s: float | None = None, status: int = 0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.status = status


class TriggerRefused(Exception):
    """Permanent: trying again cannot help, so the firing is given up at once."""

    def __init__(self, message: str, *, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class RenderError(Exception):
    """The request cannot be built from these events. Permanent for this firing; the message names the parameter."""
