"""A bound on the processor time of work that is done in one go, for programs that users write."""

import gc
import math
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import thread_time
from typing import TypeVar

T = TypeVar("T")

_GRACE_S = 0.02
_LEAST_S = 0.0001


class TimeUp(Exception):
    """The work was cut off."""


class _Watch:
    """One timer for the process. It counts processor time, so that a machine under load cuts nothing off."""

    def __init__(self) -> None:
        self._give_up: Callable[[], None] | None = None
        self._asked = False
        self._precise = False
        self._ends = -math.inf
        self._installed = False
        self.share = 1.0
        """The part of their time that rules get now."""

    @property
    def _timer(self) -> int:
        return signal.ITIMER_REAL if self._precise else signal.ITIMER_VIRTUAL

    def be_precise(self) -> None:
        """Cut off to the tenth of a millisecond, where the system's ticks are four: takes the process's alarm for itself.

        Call before anything is bounded.
        """
        self._precise = True

    @contextmanager
    def hurried(self, share: float) -> Iterator[None]:
        """Rules that are asked inside get so much of the time they may take."""
        before, self.share = self.share, share
        try:
            yield
        finally:
            self.share = before

    def within(self, seconds: float, work: Callable[[], T], give_up: Callable[[], None]) -> T:
        """`work()`. After `seconds` of the process's processor time `give_up()` is called, which makes the work end soon.

        Where it goes on for a further 20 ms (less inside `hurried`) it is cut off wherever it is. Raises `TimeUp` then.
        Works in the main thread, where Python handles signals; elsewhere, and inside another bound, nothing is cut off.
        """
        if self._give_up is not None or threading.current_thread() is not threading.main_thread():
            return work()
        if not self._installed:
            # It stays: by default this signal ends the process, and one may come when the work has just ended.
            signal.signal(signal.SIGALRM if self._precise else signal.SIGVTALRM, self._expire)
            self._installed = True
        collecting = gc.isenabled()
        gc.disable()  # a full collection of a large service is not the work's own time
        try:
            self._asked, self._give_up = False, give_up
            self._ends = thread_time() + seconds * self.share if self._precise else -math.inf
            signal.setitimer(self._timer, seconds * self.share, _GRACE_S * self.share)
            return self._watched(work)
        finally:
            if collecting:
                gc.enable()

    def _watched(self, work: Callable[[], T]) -> T:
        try:
            try:
                return work()
            finally:
                self._disarm()
        except TimeUp:
            self._disarm()  # one more may have come before the other got there
            raise

    def _disarm(self) -> None:
        """However late the last signal comes: it finds nothing to cut off."""
        while True:
            try:
                self._give_up = None
                signal.setitimer(self._timer, 0)
                return
            except TimeUp:
                continue

    def _expire(self, number: int, frame: object) -> None:
        """Ask first: an exception that comes from nowhere is lost where it meets a finaliser."""
        del number, frame
        if self._give_up is None:
            return
        if (early_s := self._ends - thread_time()) > 0:  # the timer counts on while others have the processor
            signal.setitimer(self._timer, max(early_s, _LEAST_S), _GRACE_S * self.share)
            return
        self._ends += _GRACE_S * self.share
        if self._asked:
            raise TimeUp
        self._asked = True
        self._give_up()


_watch = _Watch()
within = _watch.within
hurried = _watch.hurried
be_precise = _watch.be_precise


def share() -> float:
    """The part of their time that rules get now: less than one inside `hurried`."""
    return _watch.share
