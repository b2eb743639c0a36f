"""What the API needs of the running service."""

from typing import Protocol

from eventbus.contract import Bus
from manifests.objects import ObjectRef
from tocsin.acts import Acts
from tocsin.changes import Changes
from tocsin.metrics import Metrics
from tocsin.pauses import Mode
from tocsin.replaying.replayer import Replayer
from tocsin.said import Said
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

    async def source(self, ref: ObjectRef) -> Json:
        """One of them."""

    async def sensor(self, ref: ObjectRef) -> Json:
        """One of them."""

    def source_refs(self) -> list[ObjectRef]:
        """Every declared event source."""

    def sensor_refs(self) -> list[ObjectRef]:
        """Every declared sensor, and every other that is paused."""

    async def count_pauses(self) -> None:
        """Bring the metrics of what is paused up to date."""

    async def pause_sensor(self, ref: ObjectRef, mode: Mode, said: Said) -> Json:
        """Let a sensor decide nothing until it is resumed; durable."""

    async def resume_sensor(self, ref: ObjectRef, rate: float, said: Said) -> Json:
        """Let a sensor go on and say what the pause was. Raises `Conflict` where it is not paused."""

    async def pause_source(self, ref: ObjectRef, mode: Mode, said: Said) -> Json:
        """Hold an event source, or drop what comes to it, until it is resumed; durable."""

    async def resume_source(self, ref: ObjectRef, said: Said) -> Json | None:
        """End a pause and say what it was; None where there was none."""
