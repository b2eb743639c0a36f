"""The certificates that triggers use: who cannot use the newest is known in one place."""

from collections.abc import Iterator
from weakref import WeakSet

from clients.kept_tls import KeptTLS
from eventbus.firing import TriggerRef


class TriggerTLS(KeptTLS):
    """Those of one trigger."""

    def __init__(self, ref: TriggerRef) -> None:
        super().__init__(f"trigger {ref.trigger} of sensor {ref.namespace}/{ref.sensor}")
        self.ref = ref


class Certificates:
    """All of a service, for as long as somebody holds them."""

    def __init__(self) -> None:
        self._kept: WeakSet[TriggerTLS] = WeakSet()

    def kept(self, ref: TriggerRef) -> TriggerTLS:
        """For one declaration of a trigger."""
        made = TriggerTLS(ref)
        self._kept.add(made)
        return made

    def problems(self) -> Iterator[TriggerTLS]:
        """Those whose newest material cannot be used, as it is now."""
        for kept in list(self._kept):
            if kept.look():
                yield kept

    async def aclose(self) -> None:
        """Forget them."""
        self._kept.clear()
