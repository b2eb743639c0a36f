from datetime import UTC, datetime

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from eventbus.event import Event
from manifests.objects import DeclaredTrigger, Dialect, TriggerHead
from sensors.bound import Bound, EventView
from sensors.triggers.log import LogKind
from sensors.triggers.trigger import Trigger, TriggerContext


def compiled(interval: int = 0, dialect: Dialect = Dialect.TOCSIN) -> Trigger:
    spec = LogKind.spec.model_validate({"intervalSeconds": interval})
    declared = DeclaredTrigger(name="say", kind="log", spec=spec, template={"name": "say", "log": {}}, head=TriggerHead())
    return LogKind().compile(declared, TriggerContext(namespace="default", sensor="shop", dialect=dialect, values=None))  # type: ignore[arg-type]


def view(data: bytes | None, datacontenttype: str | None = "application/json", name: str = "push") -> EventView:
    event = Event(
        namespace="default",
        source="github",
        name=name,
        id="e1",
        type="webhook",
        time="2026-11-24T03:00:00.5Z",
        data=data,
        datacontenttype=datacontenttype,
    )
    return EventView(event)


def bound(**views: EventView) -> Bound:
    return Bound(events=views, now=datetime(2026, 11, 24, tzinfo=UTC), seed=b"s")


async def fired(trigger: Trigger, request: bytes) -> list[object]:
    with capture_logs() as lines:
        await trigger.fire(request, idempotency_key="k")
    return list(lines)


async def test_each_event_is_one_line_at_info_with_its_data_and_context() -> None:
    trigger = compiled()
    lines = await fired(trigger, trigger.render(bound(b=view(b'{"n":1}'), a=view(b"two", "text/plain"))))
    assert [(line["event"], line["dependencyName"], line["log_level"]) for line in lines] == [  # type: ignore[index]
        ("two", "a", "info"),
        ('{"n":1}', "b", "info"),
    ]
    assert lines[1]["eventContext"] == {  # type: ignore[index]
        "id": "e1",
        "source": "github",
        "specversion": "1.0",
        "type": "webhook",
        "datacontenttype": "application/json",
        "subject": "push",
        "time": "2026-11-24T03:00:00Z",
    }
    assert (lines[0]["sensorName"], lines[0]["triggerName"]) == ("shop", "say")  # type: ignore[index]


@pytest.mark.parametrize(
    ("data", "content_type", "message"),
    [(b"\x00\xff", "application/octet-stream", "AP8="), (b"hi", None, "aGk="), (None, "application/json", "")],
)
async def test_other_data_is_written_in_base64(data: bytes | None, content_type: str | None, message: str) -> None:
    trigger = compiled()
    (line,) = await fired(trigger, trigger.render(bound(a=view(data, content_type))))
    assert line["event"] == message  # type: ignore[index]


async def test_the_interval_keeps_silent_in_our_dialect_only() -> None:
    for dialect, written in ((Dialect.TOCSIN, [1, 0, 0]), (Dialect.ARGO, [1, 1, 1])):
        trigger = compiled(60, dialect)
        request = trigger.render(bound(a=view(b"1")))
        assert [len(await fired(trigger, request)) for _ in range(3)] == written


def test_what_is_shown_is_what_would_be_written() -> None:
    trigger = compiled()
    shown = trigger.show(trigger.render(bound(a=view(b"1"))))
    assert [(line["dependencyName"], line["message"]) for line in shown["lines"]] == [("a", "1")]


def test_a_negative_interval_is_a_problem() -> None:
    with pytest.raises(ValidationError):
        LogKind.spec.model_validate({"intervalSeconds": -1})
