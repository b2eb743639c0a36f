"""Deadlines of many tasks by few timers: one for each number of seconds, where `asyncio.timeout` sets one for each task."""

import asyncio
from types import TracebackType
from typing import Self


class Deadlines:
    """Makes deadlines. Use from one event loop."""

    def __init__(self) -> None:
        self._spans: dict[float, _Span] = {}
        """By seconds; those in which something runs."""

    def within(self, seconds: float) -> "Deadline":
        """For a `with` block: the block is cancelled when it took that long, and raises `TimeoutError`."""
        return Deadline(self._spans, seconds)


class Deadline:
    """The deadline of one block, in the task that enters it. Behaves as `asyncio.timeout`."""

    __slots__ = ("_cancelling", "_seconds", "_spans", "_task", "at", "expired")
    _task: "asyncio.Task[object]"

    def __init__(self, spans: "dict[float, _Span]", seconds: float) -> None:
        self._spans = spans
        self._seconds = seconds
        self.at = 0.0
        """On the loop's clock."""
        self.expired = False
        """Whether the block was cancelled by this deadline."""

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is for a task")
        self._task = task
        self._cancelling = task.cancelling()
        span = self._spans.get(self._seconds)
        if span is None:
            span = self._spans[self._seconds] = _Span(self._spans, self._seconds)
        span.add(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        if not self.expired:
            self._spans[self._seconds].remove(self)
        elif self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from exc

    def expire(self) -> None:
        """Cancel the block."""
        self.expired = True
        self._task.cancel()


class _Span:
    """The deadlines of one number of seconds, which is the order in which they come."""

    __slots__ = ("_loop", "_running", "_seconds", "_spans", "_timer")

    def __init__(self, spans: "dict[float, _Span]", seconds: float) -> None:
        self._spans = spans
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._running: dict[Deadline, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, deadline: Deadline) -> None:
        deadline.at = self._loop.time() + self._seconds
        self._running[deadline] = None
        if self._timer is None:
            self._timer = self._loop.call_at(deadline.at, self._due)

    def remove(self, deadline: Deadline) -> None:
        del self._running[deadline]
        if not self._running:
            self._end()

    def _due(self) -> None:
        now = self._loop.time()
        while self._running:
            first = next(iter(self._running))
            if first.at > now:
                # Those of before have ended by themselves.
                self._timer = self._loop.call_at(first.at, self._due)
                return
            del self._running[first]
            first.expire()
        self._end()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        del self._spans[self._seconds]
