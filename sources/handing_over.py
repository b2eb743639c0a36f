"""Handing an event to a log that may not take it now, for sources that cannot ask for it again."""

from collections.abc import Sequence

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, wait_exponential_jitter

from eventbus.errors import BusUnavailable, EventRejected
from eventbus.event import Event
from sources.source import Emit, SourceContext

logger = structlog.get_logger()


async def hand_over_all(emit: Emit, events: Sequence[Event], context: SourceContext) -> None:
    """`hand_over` for many events at the price of few."""
    if not events:
        return
    try:
        await emit.batch(events)
    except (BusUnavailable, EventRejected):
        # One by one: those that are stored already are recognised, and one that never will be keeps back no other.
        for event in events:
            await hand_over(emit, event, context)


async def hand_over(emit: Emit, event: Event, context: SourceContext) -> None:
    """Return once `event` is durable, trying again every 10 s at the latest. One that the log never takes is said and dropped."""
    log = logger.bind(source=str(context.road), event=event.id)
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(BusUnavailable),
        wait=wait_exponential_jitter(multiplier=0.1, max=10.0),
        before_sleep=lambda state: log.warning("event_waits_for_the_log", attempt=state.attempt_number),
        sleep=context.clock.sleep,
    ):
        with attempt:
            try:
                await emit(event)
            except EventRejected as exc:
                log.error("event_rejected", reason=str(exc))
