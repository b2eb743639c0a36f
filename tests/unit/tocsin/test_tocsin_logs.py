"""Logs: JSON lines, bounded, without secrets."""

import io
import json
import logging
import warnings
from collections.abc import Iterator

import pytest
import structlog

from manifests.secrets import SecretValue
from tocsin.logs import BURST, WINDOW_S, Limiter, configure


@pytest.fixture(autouse=True)
def stream() -> Iterator[io.StringIO]:
    """Where a test may send logs. Of every test here: what one leaves configured would swallow the logs of later ones."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_time_level_and_a_constant_event(stream: io.StringIO) -> None:
    configure(stream=stream)
    structlog.get_logger().info("trigger_fired", trigger="t", duration_ms=3)
    (line,) = lines(stream)
    assert line["event"] == "trigger_fired"
    assert line["level"] == "info"
    assert str(line["timestamp"]).endswith("Z")
    assert line["duration_ms"] == 3


def test_a_secret_never_prints(stream: io.StringIO) -> None:
    configure(stream=stream)
    structlog.get_logger().error("oops", value=SecretValue(b"canary"), nested={"a": [SecretValue(b"canary")]})
    assert "canary" not in stream.getvalue()


def test_hostile_text_stays_on_its_line_and_bounded(stream: io.StringIO) -> None:
    configure(stream=stream)
    structlog.get_logger().warning("odd", text='\ud800 \u2028\n{"event":"forged"}', long="x" * 100_000)
    assert len(stream.getvalue().splitlines()) == 1
    assert len(stream.getvalue()) < 5_000
    assert lines(stream)[0]["event"] == "odd"


def test_what_a_log_trigger_writes_is_whole_and_what_a_library_quotes_is_not(stream: io.StringIO) -> None:
    configure(stream=stream)
    structlog.get_logger().info("x" * 100_000)
    logging.getLogger("aiohttp.server").error("y" * 100_000)
    ours, foreign = (str(line["event"]) for line in lines(stream))
    assert ours == "x" * 100_000
    assert len(foreign) < 5_000


def test_libraries_log_in_the_same_form_from_warning_up(stream: io.StringIO) -> None:
    configure(stream=stream)
    logging.getLogger("aiohttp.server").info("too quiet")
    logging.getLogger("aiohttp.server").error("Error handling request")
    (line,) = lines(stream)
    assert (line["event"], line["level"]) == ("Error handling request", "error")


def test_debug_lines_need_verbose(stream: io.StringIO) -> None:
    configure(stream=stream)
    structlog.get_logger().debug("detail")
    assert stream.getvalue() == ""
    configure(stream=stream, verbose=1)
    structlog.get_logger().debug("detail")
    assert len(lines(stream)) == 1


def test_repeated_errors_are_counted_and_not_repeated() -> None:
    now = [0.0]
    limiter = Limiter(clock=lambda: now[0])
    shown = 0
    for _ in range(1000):
        try:
            limiter(None, "error", {"event": "trigger_failed", "trigger": "t"})
            shown += 1
        except structlog.DropEvent:
            pass
    assert shown == BURST
    now[0] += WINDOW_S
    line = limiter(None, "error", {"event": "trigger_failed", "trigger": "t"})
    assert line["suppressed"] == 1000 - BURST


def test_one_noisy_trigger_does_not_hide_another() -> None:
    limiter = Limiter(clock=lambda: 0.0)
    for _ in range(BURST):
        limiter(None, "error", {"event": "trigger_failed", "trigger": "loud"})
    with pytest.raises(structlog.DropEvent):
        limiter(None, "error", {"event": "trigger_failed", "trigger": "loud"})
    assert limiter(None, "error", {"event": "trigger_failed", "trigger": "quiet"})


def test_the_limiter_forgets_what_it_has_not_room_for() -> None:
    limiter = Limiter(clock=lambda: 0.0)
    for n in range(10_000):
        limiter(None, "error", {"event": "odd", "trigger": str(n)})
    assert len(limiter._seen) <= 512


def test_warnings_of_python_are_logged(stream: io.StringIO) -> None:
    configure(stream=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert "old" in str(lines(stream)[0]["event"])


class Full(io.StringIO):
    """Takes nothing while `full`."""

    full = True

    def write(self, text: str, /) -> int:
        if self.full:
            raise OSError(28, "No space left on device")
        return super().write(text)


def test_a_log_that_takes_nothing_stops_nobody_and_says_so_afterwards() -> None:
    out = Full()
    configure(stream=out, as_json=True)
    logger = structlog.get_logger()
    for _ in range(3):
        logger.info("lost")
    out.full = False
    logger.info("kept")
    assert [line["event"] for line in lines(out)] == ["kept", "log_not_written"]
    assert lines(out)[1]["failed"] >= 3  # type: ignore[operator]
    logger.info("again")
    assert [line["event"] for line in lines(out)] == ["kept", "log_not_written", "again"]
