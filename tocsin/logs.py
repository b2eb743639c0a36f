"""Logs on stderr: JSON lines for machines, readable lines on a terminal. Repeated complaints are counted, not repeated."""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor

BURST = 20
"""Lines of one kind that pass in one window."""
WINDOW_S = 60.0
KINDS = 512
"""Kinds of lines remembered at a time; beyond that the oldest is forgotten."""
MAX_TEXT = 2000
"""Longest text of one field; hostile input must not fill the disk."""


class Limiter:
    """Lets `BURST` warnings and errors of one kind through in a window; the first of the next says how many were not shown.

    The kind is the event's name with the object it concerns, so one noisy trigger does not hide another.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: dict[tuple[object, ...], list[float]] = {}  # kind: start of window, shown, hidden

    def __call__(self, logger: Any, method: str, event: EventDict) -> EventDict:
        """A structlog processor."""
        if method in ("debug", "info"):
            return event
        kind = (event.get("event"), event.get("namespace"), event.get("sensor"), event.get("source"), event.get("trigger"))
        now = self._clock()
        seen = self._seen.get(kind)
        if seen is None:
            while len(self._seen) >= KINDS:
                self._seen.pop(next(iter(self._seen)))
            self._seen[kind] = [now, 1, 0]
            return event
        if now - seen[0] >= WINDOW_S:
            hidden, seen[:] = seen[2], [now, 1, 0]
            if hidden:
                event["suppressed"] = int(hidden)
            return event
        if seen[1] >= BURST:
            seen[2] += 1
            raise structlog.DropEvent
        seen[1] += 1
        return event


class Sink:
    """Where lines go. A log that takes nothing, on a full disk or to a reader that left, must not stop the work.

    What failed is counted, and said in the log once it takes lines again.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._failed = 0

    def write(self, text: str) -> int:
        """Write `text` if that can be done."""
        try:
            return self._out.write(text)
        except OSError:
            self._failed += 1
            return 0

    def flush(self) -> None:
        """Hand over what was written if that can be done."""
        try:
            self._out.flush()
            if failed := self._failed:
                when = datetime.now(UTC).isoformat()
                self._out.write(_json({"timestamp": when, "level": "error", "event": "log_not_written", "failed": failed}) + "\n")
                self._out.flush()
                self._failed -= failed
        except OSError:
            self._failed += 1


def shorten(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: cut long texts, but for the message, which is ours or what a `log` trigger is asked to write."""
    for key, value in event.items():
        if key != "event" and isinstance(value, str) and len(value) > MAX_TEXT:
            event[key] = f"{value[:MAX_TEXT]}… ({len(value)} characters)"
    return event


def _shorten_message(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The message of a library may quote what it was sent."""
    message = str(event["event"])
    event["event"] = message if len(message) <= MAX_TEXT else f"{message[:MAX_TEXT]}… ({len(message)} characters)"
    return event


def configure(*, verbose: int = 0, stream: TextIO | None = None, as_json: bool | None = None) -> None:
    """Send all logs, those of libraries included, to `stream` (stderr). `as_json` None: JSON unless it is a terminal."""
    out = stream if stream is not None else sys.stderr
    level = logging.DEBUG if verbose else logging.INFO
    if as_json is None:
        as_json = not out.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        Limiter(),
        structlog.processors.format_exc_info,
        shorten,
    ]
    render: Processor = structlog.processors.JSONRenderer(serializer=_json) if as_json else _console(out)
    structlog.configure(
        processors=[*shared, render],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", Sink(out))),
        cache_logger_on_first_use=False,
    )
    _adopt_libraries(out, shared, render, verbose)


@contextmanager
def silent() -> Iterator[None]:
    """Log nothing inside the block: for commands that play the service and print what came of it."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL), cache_logger_on_first_use=False)
    try:
        yield
    finally:
        structlog.configure(**before)


def _console(out: TextIO) -> Processor:
    import os  # noqa: PLC0415

    return structlog.dev.ConsoleRenderer(colors=out.isatty() and not os.environ.get("NO_COLOR"), pad_event_to=28)


def _json(value: Any, **_options: Any) -> str:
    """ASCII JSON of one line, so that no text can break the line or the encoding; when and what come first."""
    first = {key: value[key] for key in ("timestamp", "level", "event") if key in value}
    return json.dumps(first | value, default=repr, separators=(",", ":"))


def _adopt_libraries(out: TextIO, shared: list[Processor], render: Processor, verbose: int) -> None:
    """Libraries that use `logging` print in the same form; below warning only when asked for twice."""
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_dropping([*shared, _shorten_message])],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    handler.addFilter(_passes)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if verbose > 1 else logging.WARNING)
    logging.captureWarnings(capture=True)


_library_limit = Limiter()


def _passes(record: logging.LogRecord) -> bool:
    """Rate limit of library lines, by where they come from."""
    try:
        _library_limit(None, record.levelname.lower(), {"event": record.name, "source": record.lineno})
    except structlog.DropEvent:
        return False
    return True


def _dropping(shared: list[Processor]) -> Processor:
    """The shared processors but the limiter, which must not raise inside `logging`."""

    def run(logger: Any, method: str, event: EventDict) -> EventDict:
        for processor in shared:
            if not isinstance(processor, Limiter):
                event = processor(logger, method, event)  # type: ignore[assignment]
        return event

    return run
