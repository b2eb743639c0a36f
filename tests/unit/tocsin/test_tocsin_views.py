"""Records as people see them."""

import json

import pytest

from eventbus.event import Event, Recorded
from eventbus.firing import Attempt
from tocsin.cli.text import event_text
from tocsin.encoding import dumps
from tocsin.views import attempt_view, event_view


def shown(data: bytes, content_type: str = "application/json") -> str:
    """An event's data as `tocsin events show` prints it, by way of the API's JSON."""
    event = Event(namespace="default", source="s", name="e", id="1", type="t", time=None, datacontenttype=content_type, data=data)
    view = event_view(Recorded(1, 1, event), data=True)
    return event_text(json.loads(dumps(view))).partition("data        ")[2]


def test_what_would_steer_a_terminal_is_shown_as_an_escape() -> None:
    data = '{"a":"\\u001b[31m \x9b31m \u202egnp.exe \u2028 é 漢"}'.encode()
    assert shown(data) == (
        f'{len(data)} bytes, application/json\n  {{\n    "a": "\\u001b[31m \\u009b31m \\u202egnp.exe \\u2028 é 漢"\n  }}'
    )


def test_json_that_others_write_is_shown() -> None:
    assert shown(rb'{"a":"\ud83d"}').endswith('\n  {\n    "a": "\\ud83d"\n  }')
    assert shown(b"[1e400]") == "7 bytes, application/json, as they are\n  [1e400]"


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ("grüße\r\n\tzwei".encode(), "as they are\n  grüße\n  \tzwei"),
        (b"\x1b[31m", "as base64\n  G1szMW0="),
        (b"\xff", "as base64\n  /w=="),
    ],
)
def test_text_that_is_no_json_is_shown_as_it_is_where_it_can_be(data: bytes, lines: str) -> None:
    assert shown(data, "text/plain") == f"{len(data)} bytes, text/plain, {lines}"


@pytest.mark.parametrize(("ended_us", "shown"), [(1_001_500, 1.5), (1_000_000, 0.0), (-5_000_000, 0.0)])
def test_an_attempt_never_took_less_than_no_time_also_where_the_clock_was_put_back(ended_us: int, shown: float) -> None:
    attempt = Attempt(number=1, started_us=1_000_000, ended_us=ended_us, succeeded=True)
    assert attempt_view(attempt)["duration_ms"] == shown
