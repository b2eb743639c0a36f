"""One thing that does not go well: which part of which object, since when, why, and what to do about it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple

from manifests.objects import ObjectRef
from tocsin.objects import State
from tocsin.views import Json, when

What = Literal["hangs", "fails", "errs", "slow", "floods", "set-aside", "certificates", "unwell", "left"]
"""What does not go well, in one word; the page about operations says what to do."""


class Trouble(NamedTuple):
    """One thing that does not go well."""

    ref: ObjectRef
    part: str
    """Which part of it, such as `trigger call`."""
    what: What
    reason: str
    since_us: int
    hint: str
    """What to do."""

    @property
    def text(self) -> str:
        """In one line."""
        return f"{self.part}: {self.reason}; {self.hint}" if self.hint else f"{self.part}: {self.reason}"


def trouble_view(trouble: Trouble) -> Json:
    """A trouble as JSON."""
    return {
        "part": trouble.part,
        "what": trouble.what,
        "reason": trouble.reason,
        "since": when(trouble.since_us),
        "hint": trouble.hint,
    }


def degraded_view(trouble: Trouble) -> Json:
    """A trouble as `/readyz` names it."""
    view = {"name": str(trouble.ref), "state": State.DEGRADED.value, "reason": f"{trouble.part}: {trouble.reason}"}
    return view | {"since": when(trouble.since_us), "hint": trouble.hint}


def with_troubles(view: Json, troubles: Sequence[Trouble]) -> Json:
    """`view` of an object with its troubles: one that runs is degraded by them."""
    view["troubles"] = [trouble_view(trouble) for trouble in troubles]
    if troubles and view["state"] == State.RUNNING.value:
        view |= {"state": State.DEGRADED.value, "message": troubles[0].text}
    return view


Finder = Callable[[int], Iterable[Trouble]]
"""Gives what does not go well at a time, microseconds since 1970 UTC."""
