"""Triggers by revision: those declared now, and those that open firings of earlier revisions still need."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from eventbus.firing import TriggerRef
from eventbus.journal import Journal
from manifests.objects import DeclaredTrigger, ObjectRef, Sensor, TriggerHead
from manifests.problems import ManifestError
from manifests.secrets import Values
from sensors.attempt import Armed, Unarmed
from sensors.compile import CompiledSensor, compile_sensor
from sensors.dead_letters import dead_letter_ref
from sensors.limits import UNDECLARED, TriggerLimits
from sensors.parameters.searched import searched_by
from sensors.triggers.shared import Shared
from sensors.triggers.trigger import TriggerKinds
from sensors.web.client import Web
from tocsin.declared import object_of

FORMER = 256
"""Triggers of earlier revisions that are held ready; the one used longest ago goes first."""


class Armory:
    """Gives the dispatcher its triggers."""

    def __init__(self, journal: Journal, kinds: TriggerKinds, values: Values, web: Web, shared: Shared | None = None) -> None:
        self._journal, self._kinds, self._values, self._web = journal, kinds, values, web
        self._shared = shared or Shared()
        self._heads: dict[ObjectRef, Mapping[str, TriggerHead]] = {}
        self._limits: dict[ObjectRef, Mapping[str, TriggerLimits]] = {}
        self._keys: dict[ObjectRef, tuple[tuple[TriggerRef, str], ...]] = {}
        """What is present of each sensor."""
        self._present: dict[tuple[TriggerRef, str], Armed] = {}
        self._former: OrderedDict[tuple[TriggerRef, str], Armed] = OrderedDict()

    acts = True
    """Whether its triggers reach their targets."""

    def compile(self, sensor: Sensor) -> CompiledSensor:
        """Compile `sensor` with everything its triggers need to act."""
        return compile_sensor(sensor, self._kinds, self._values, web=self._web, shared=self._shared, acts=self.acts)

    async def declare(self, changed: Iterable[tuple[Sensor, CompiledSensor]], gone: Iterable[ObjectRef] = ()) -> None:
        """Make `changed` what is declared of these sensors, and nothing what is declared of those `gone`.

        What was declared before stays at hand for its open firings.
        """
        for ref in gone:
            self._replace(ref, {})
            self._heads.pop(ref, None)
            self._limits.pop(ref, None)
        for declared, compiled in changed:
            self._replace(declared.ref, self._armed(declared, compiled))
            self._heads[declared.ref] = {name: trigger.declared.head for name, trigger in compiled.acting.items()}
            self._limits[declared.ref] = {name: self._limited(trigger.declared) for name, trigger in compiled.acting.items()}
        await self._forget()

    def _replace(self, ref: ObjectRef, wanted: Mapping[tuple[TriggerRef, str], Armed]) -> None:
        former = self._keys.pop(ref, ())
        for key in former:
            armed = self._present.pop(key)
            if key not in wanted:
                self._former[key] = armed
        if wanted:
            self._keys[ref] = tuple(wanted)
            self._present.update(wanted)

    async def _forget(self) -> None:
        while len(self._former) > FORMER:
            _, gone = self._former.popitem(last=False)
            await gone.trigger.aclose()

    def head(self, trigger: TriggerRef) -> TriggerHead | None:
        """What is declared now."""
        heads = self._heads.get(ObjectRef("Sensor", trigger.namespace, trigger.sensor))
        return None if heads is None else heads.get(trigger.trigger)

    def limits(self, trigger: TriggerRef) -> TriggerLimits:
        """What bounds it as it is declared now."""
        limits = self._limits.get(ObjectRef("Sensor", trigger.namespace, trigger.sensor))
        return UNDECLARED if limits is None else limits.get(trigger.trigger, UNDECLARED)

    def _limited(self, declared: DeclaredTrigger) -> TriggerLimits:
        return TriggerLimits.of(declared.head, self._kinds.concurrency(declared.kind))

    async def armed(self, trigger: TriggerRef, revision: str) -> Armed:
        """The trigger as `revision` declares it. Raises `Unarmed`."""
        key = (trigger, revision)
        armed = self._present.get(key)
        if armed is not None:
            return armed
        armed = self._former.get(key) or await self._from_journal(key)
        self._former[key] = armed
        self._former.move_to_end(key)
        await self._forget()
        return armed

    async def dead_letter_trigger(self, trigger: TriggerRef, revision: str) -> TriggerRef | None:
        """What runs when a firing of `trigger` is given up that `revision` decided; None where nothing does."""
        ref = dead_letter_ref(trigger)
        if (trigger, revision) in self._present:
            return ref if (ref, revision) in self._present else None
        try:
            await self.armed(ref, revision)
        except Unarmed:
            return None
        return ref

    async def aclose(self) -> None:
        """Release what the triggers hold."""
        for armed in (*self._present.values(), *self._former.values()):
            await armed.trigger.aclose()
        await self._shared.aclose()
        await self._web.aclose()

    async def _from_journal(self, key: tuple[TriggerRef, str]) -> Armed:
        trigger, revision = key
        content = await self._journal.revision(revision)
        if content is None:
            raise Unarmed(f"revision {revision} of sensor {trigger.sensor}, which decided this firing, is no longer kept")
        try:
            declared = object_of(content)
        except ManifestError as exc:
            raise Unarmed(f"revision {revision} of sensor {trigger.sensor} cannot be read by this version: {exc}") from exc
        found = self._armed(declared, self.compile(declared)) if isinstance(declared, Sensor) else {}
        if key not in found:
            raise Unarmed(f"the trigger {trigger.trigger!r} cannot run in revision {revision} of sensor {trigger.sensor}")
        return found[key]

    def _armed(self, declared: Sensor, compiled: CompiledSensor) -> Mapping[tuple[TriggerRef, str], Armed]:
        return {
            (trigger.ref, compiled.revision): Armed.of(
                trigger.acting,
                trigger.declared.head,
                declared.dialect,
                trigger.transforms,
                searched_by(trigger.declared.template, trigger.declared.head.parameters),
            )
            for trigger in compiled.acting.values()
        }
