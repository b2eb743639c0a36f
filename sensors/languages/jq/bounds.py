"""What one run of a jq program may use, and what is left of it."""

MAX_CHARACTERS = 65_536
"""Characters of a program."""
MAX_STEPS = 100_000
"""Calls of functions and values of ranges in one run."""
MAX_SIZE = 1 << 20
"""Characters of a text and elements of a list that a program builds."""
MAX_SECONDS = 0.05
"""Seconds of processor time of one run."""
MAX_VALUES = 250_000
"""Values that the new data may hold."""


class OutOfSteps(Exception):
    """The program asks for more than it may use."""


class _Run:
    """The run at hand."""

    now_s = 0.0
    """The time that `now` gives: that of the decision, in seconds since 1970."""

    def __init__(self) -> None:
        self.begin(now_s=0.0)

    def begin(self, *, now_s: float) -> None:
        """A run begins."""
        self.now_s = now_s
        self._left, self._reason = MAX_STEPS, f"it needs more than {MAX_STEPS:,} steps"

    def spend(self) -> None:
        """One step. Raises `OutOfSteps`."""
        self._left -= 1
        if self._left < 0:
            raise OutOfSteps(self._reason)

    def exhaust(self) -> None:
        """The run has taken too long: its next step is one too many."""
        self._left, self._reason = 0, "it needs more processor time than it may use"


# One for the process: the engine hands its functions nothing in which a run could know itself, and programs run one at a time.
run = _Run()
