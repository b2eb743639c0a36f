"""The `outcomes` source of our dialect: how firings ended, as events, so that one action leads to the next.

An outcome is named by its firing, the number of attempts and how it ended. So what is emitted again after a crash is the same
event, which the log keeps once.
"""

import asyncio
from typing import Annotated, Literal

import msgspec
import structlog
from pydantic import Field

from eventbus.contract import Outcomes as OutcomeReading
from eventbus.errors import BusUnavailable
from eventbus.event import Event
from eventbus.firing import FiringEnded
from manifests.fields import Spec
from sources.handing_over import hand_over_all
from sources.http.payload import rfc3339
from sources.source import Emit, Source, SourceContext, SourceRefused, sources

logger = structlog.get_logger()

AT_ONCE = 256
"""Outcomes that are read and handed over at a time."""
LOOK_AGAIN_S = 30.0

_Name = Annotated[str, Field(min_length=1)]
_encode = msgspec.json.encode


class OutcomesSpec(Spec):
    """Which firings of the namespace it takes; a list that is left out takes all."""

    sensors: list[_Name] = []
    """Names of sensors."""
    triggers: list[_Name] = []
    """Names of triggers."""
    outcomes: list[Literal["succeeded", "failed", "dead-lettered", "skipped", "superseded", "timed-out", "unknown"]] = []
    """How they ended. What was cancelled or dropped on purpose is `skipped`."""
    metadata: dict[str, str] = {}
    """Copied into the data of each event."""


@sources.register("outcomes", spec=OutcomesSpec)
class Outcomes(Source[OutcomesSpec]):
    """Emits one event for each firing that ended; correlation, causation and hops of the chain go on with it."""

    members = frozenset(
        ("sensor", "trigger", "outcome", "reason", "attempts", "answer", "firing", "revision", "replay")
    ) | frozenset(("decided", "closed", "causes", "correlation", "hops", "metadata"))

    reads_outcomes = True

    def __init__(self, spec: OutcomesSpec, context: SourceContext) -> None:
        super().__init__(spec, context)
        if context.outcomes is None:
            raise SourceRefused("outcomes are only there inside a running service")
        self._read: OutcomeReading = context.outcomes
        self._reader = str(context.road)
        self._sensors, self._triggers, self._kinds = frozenset(spec.sensors), frozenset(spec.triggers), frozenset(spec.outcomes)

    async def run(self, emit: Emit) -> None:
        """Emit until cancelled. What was emitted and not yet noted is emitted again, as the same events."""
        while True:
            ended = await self._read.read(self._reader, limit=AT_ONCE, timeout_s=LOOK_AGAIN_S)
            await hand_over_all(emit, [self._event(one) for one in ended if self._takes(one)], self.context)
            if ended:
                await self._passed(ended[-1].number)

    async def _passed(self, number: int) -> None:
        try:
            await self._read.passed(self._reader, number)
        except BusUnavailable as exc:
            logger.warning("outcomes_are_read_again", source=self._reader, reason=str(exc))
            await asyncio.sleep(exc.retry_after_s)

    def _takes(self, ended: FiringEnded) -> bool:
        namespace, sensor, trigger = ended.firing.trigger
        return (
            namespace == self.context.road.namespace
            and (not self._sensors or sensor in self._sensors)
            and (not self._triggers or trigger in self._triggers)
            and (not self._kinds or ended.outcome.kind.value in self._kinds)
        )

    def _event(self, ended: FiringEnded) -> Event:
        firing = ended.firing
        data = self._data(ended)
        event = self.event(
            id=f"{firing.id}-{ended.attempts}-{ended.outcome.kind.value}",
            time=rfc3339(ended.closed_us),
            data=_encode(data),
            tree=data,
        )
        return msgspec.structs.replace(event, correlation=firing.correlation, causation=firing.id, hops=firing.hops)

    def _data(self, ended: FiringEnded) -> dict[str, object]:
        firing = ended.firing
        data: dict[str, object] = {
            "sensor": firing.trigger.sensor,
            "trigger": firing.trigger.trigger,
            "outcome": ended.outcome.kind.value,
            "reason": ended.outcome.reason,
            "attempts": ended.attempts,
            "answer": {"status": ended.status or None},
            "firing": firing.id,
            "revision": firing.revision,
            "replay": firing.replay,
            "decided": rfc3339(firing.decided_us),
            "closed": rfc3339(ended.closed_us),
            "causes": [
                {
                    "dependency": cause.dependency,
                    "source": cause.identity.source,
                    "name": cause.identity.name,
                    "id": cause.identity.id,
                }
                for cause in firing.causes
            ],
            "correlation": firing.correlation,
            "hops": firing.hops,
        }
        if self.spec.metadata:
            data["metadata"] = dict(self.spec.metadata)
        return data
