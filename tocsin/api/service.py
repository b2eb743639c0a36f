"""What the API needs of the running service."""

from typing import Protocol

from eventbus.contract import Bus
from manifests.objects import ObjectRef
from tocsin.acts import Acts
from tocsin.changes import Changes
from tocsin.metrics import Metrics
from tocsin.pauses import Mode
from tocsin.replaying.replayer import Replayer
from tocsin.views import Json


class Service(Protocol):
    """The running service as the API sees it."""

    bus: Bus
    metrics: Metrics
    changes: Changes
    acts: Acts
    replayer: Replayer
    instance: str
    """Random id of this process's run; tells a client that it found the service it looked for."""

    def readiness(self) -> Json:
        """`{"ready": bool, "not_ready": [{"name", "reason"}], "degraded": [...]}`."""

    async def sources(self) -> list[Json]:
        """Every declared event source with its state and counts."""

    async def sensors(self) -> list[Json]:
        """Every declared sensor with its state and counts."""

    async def pause_source(self, ref: ObjectRef, mode: Mode) -> Json:
        """Hold an event source, or drop what comes to it, until it is resumed; durable."""

    async def resume_source(self, ref: ObjectRef) -> Json | None:
        """End a pause and say what it was; None where there was none."""
