"""Rules that fail event after event, and rules that take long: which, since when and why. Bounded."""

from collections.abc import Callable

from eventbus.contract import DependencyRef
from manifests.objects import ObjectRef

IN_A_ROW = 20
"""So many failures in a row, without one answer in between, are a fault of the rule and not of an event."""
SLOW_S = 0.02
"""A rule that takes longer than this for one event keeps others waiting; in seconds."""
HURRIED_AFTER = 3
"""A rule that was cut off so often in a row gets less time for each event, until it answers."""
HURRIED = 0.05
"""The part of its time that it gets then."""
PLACES = 1024
"""So many dependencies are told apart; past that the oldest is forgotten."""
_REASON_CHARS = 300
_ASK_AGAIN = 1000


class Streak:
    """Failures of one dependency's rule in a row."""

    __slots__ = ("count", "reason", "since_us")

    def __init__(self, since_us: int) -> None:
        self.count = 0
        self.reason = ""
        """Of one of the last of them."""
        self.since_us = since_us


class Slow:
    """Events on which one dependency's rule took long."""

    __slots__ = ("count", "last_us", "longest_s", "since_us")

    def __init__(self, since_us: int) -> None:
        self.count = 0
        self.longest_s = 0.0
        self.since_us = since_us
        self.last_us = since_us


class Erring:
    """Keeps them. Told by the decider; costs a rule that answers nothing while none fails."""

    def __init__(self) -> None:
        self.streaks: dict[DependencyRef, Streak] = {}
        self.slow: dict[DependencyRef, Slow] = {}
        self.overruns: dict[DependencyRef, int] = {}
        """How often in a row a rule took long and failed."""

    def erred(self, ref: DependencyRef, why: Callable[[], str], now_us: int) -> None:
        """The rule of `ref` failed. `why` is asked seldom, because it may cost as much as the rule itself."""
        streak = self.streaks.get(ref)
        if streak is None:
            _make_room(self.streaks)
            streak = self.streaks[ref] = Streak(now_us)
        streak.count += 1
        if _wanted(streak.count):
            streak.reason = _said(why)

    def will_say(self, ref: DependencyRef) -> bool:
        """Whether `why` is asked where the rule of `ref` fails the next time."""
        streak = self.streaks.get(ref)
        return streak is not None and _wanted(streak.count + 1)

    def answered(self, ref: DependencyRef) -> None:
        """The rule of `ref` answered: it works."""
        self.streaks.pop(ref, None)
        self.overruns.pop(ref, None)

    def took(self, ref: DependencyRef, seconds: float, now_us: int, *, failed: bool = False) -> None:
        """The rule of `ref` took longer than `SLOW_S`; where it `failed`, it may have been cut off."""
        slow = self.slow.get(ref)
        if slow is None:
            _make_room(self.slow)
            slow = self.slow[ref] = Slow(now_us)
        slow.count += 1
        slow.last_us = now_us
        slow.longest_s = max(slow.longest_s, seconds)
        if failed:
            if ref not in self.overruns:
                _make_room(self.overruns)
            self.overruns[ref] = self.overruns.get(ref, 0) + 1

    def share(self, ref: DependencyRef) -> float:
        """The part of its time that the rule of `ref` gets."""
        return HURRIED if self.overruns.get(ref, 0) >= HURRIED_AFTER else 1.0

    def forget(self, sensor: ObjectRef) -> None:
        """Forget the rules of `sensor`: they are declared anew."""
        for known in (self.streaks, self.slow, self.overruns):
            for ref in [ref for ref in known if ref[:2] == sensor[1:]] if known else ():
                del known[ref]

    def failing(self) -> dict[DependencyRef, Streak]:
        """The rules that do nothing but fail."""
        return {ref: streak for ref, streak in self.streaks.items() if streak.count >= IN_A_ROW}


def _wanted(count: int) -> bool:
    return count == IN_A_ROW or not count % _ASK_AGAIN


def broke(exc: Exception) -> str:
    """What to say of a rule that raised `exc` instead of answering."""
    return f"the rule broke: {type(exc).__name__}: {exc}"


def _make_room(known: dict[DependencyRef, Streak] | dict[DependencyRef, Slow] | dict[DependencyRef, int]) -> None:
    if len(known) >= PLACES:
        del known[next(iter(known))]


def _said(why: Callable[[], str]) -> str:
    try:
        return " ".join(why().split())[:_REASON_CHARS]
    except Exception as exc:  # asking why breaks as the rule did
        return broke(exc)[:_REASON_CHARS]
