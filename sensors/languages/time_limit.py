"""A bound on the processor time of work that is done in one go, for programs that users write."""

import signal
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_AGAIN_S = 0.005


class TimeUp(Exception):
    """The work was cut off."""


class _Watch:
    """One timer for the process. It counts processor time, so that a machine under load cuts nothing off."""

    def __init__(self) -> None:
        self._armed = False
        self._installed = False

    def within(self, seconds: float, work: Callable[[], T]) -> T:
        """`work()`, cut off after `seconds` of the process's processor time. Raises `TimeUp`.

        Works in the main thread, where Python handles signals; elsewhere, and inside another bound, nothing is cut off.
        """
        if self._armed or threading.current_thread() is not threading.main_thread():
            return work()
        if not self._installed:
            # It stays: by default this signal ends the process, and one may come when the work has just ended.
            signal.signal(signal.SIGVTALRM, self._expire)
            self._installed = True
        try:
            self._armed = True
            # Again and again, because an exception in a finaliser is lost.
            signal.setitimer(signal.ITIMER_VIRTUAL, seconds, _AGAIN_S)
            return work()
        finally:
            self._disarm()

    def _disarm(self) -> None:
        """However late the last signal comes: it finds nothing to cut off."""
        while True:
            try:
                self._armed = False
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
                return
            except TimeUp:
                continue

    def _expire(self, number: int, frame: object) -> None:
        del number, frame
        if self._armed:
            raise TimeUp


_watch = _Watch()
within = _watch.within
