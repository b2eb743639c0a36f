"""Which revision of which sensor decides which stretch of the log."""

from collections.abc import Callable, Iterator, Mapping

from eventbus.event import Road
from manifests.objects import ObjectRef
from sensors.compile import CompiledSensor
from sensors.index import Index
from sensors.live import Entry, Live


class InForce:
    """All sensors in force, and those that still have something to decide from before. Changes take effect between two events."""

    def __init__(self) -> None:
        self.index: Index[Entry] = Index()
        """Their dependencies."""
        self._live: dict[ObjectRef, Live] = {}
        self._ended: list[Live] = []
        self._next_order = 0
        self._places: dict[ObjectRef, int] = {}
        """Of sensors that are away, and come back to where they were."""

    @property
    def sensors(self) -> Mapping[ObjectRef, CompiledSensor]:
        """The sensors in force for what is appended now."""
        return {ref: live.sensor for ref, live in self._live.items()}

    def sensor(self, ref: ObjectRef) -> CompiledSensor | None:
        """The revision of `ref` in force for what is appended now."""
        live = self._live.get(ref)
        return None if live is None else live.sensor

    def by_name(self) -> Callable[[str, str], list[CompiledSensor]]:
        """Gives, by namespace and name, all revisions of one sensor that decide something: the present one and those of before.

        Good until the next change.
        """
        ended: dict[tuple[str, str], list[CompiledSensor]] = {}
        for one in self._ended:
            ended.setdefault((one.sensor.ref.namespace, one.sensor.ref.name), []).append(one.sensor)

        def of(namespace: str, name: str) -> list[CompiledSensor]:
            live = self._live.get(ObjectRef("Sensor", namespace, name))
            return [*([] if live is None else [live.sensor]), *ended.get((namespace, name), ())]

        return of

    def stretches(self) -> Iterator[tuple[CompiledSensor, int, int | None]]:
        """Each revision with the positions after and up to which it decides; None: on and on."""
        for live in (*self._ended, *self._live.values()):
            yield live.sensor, live.since, live.until

    def roads(self) -> set[Road]:
        """The roads of all events that a sensor looks at."""
        return {dependency.road for sensor, _, _ in self.stretches() for dependency in sensor.dependencies}

    def apply(self, sensor: CompiledSensor, *, since: int) -> None:
        """Let `sensor` decide events after position `since`; an earlier revision decides those up to it."""
        present = self._live.get(sensor.ref)
        order = self._place_of(sensor.ref) if present is None else present.order
        if present is not None:
            self._end(present, since)
        self._live[sensor.ref] = self._place(Live(sensor, order, since, None))

    def apply_ended(self, sensor: CompiledSensor, *, since: int, until: int) -> None:
        """Let a past revision decide what lies between `since` and `until`."""
        self._ended.append(self._place(Live(sensor, self._next_order, since, until)))
        self._next_order += 1

    def remove(self, ref: ObjectRef, *, until: int) -> None:
        """Let `ref` decide nothing after position `until`."""
        live = self._live.pop(ref, None)
        self._places.pop(ref, None)
        if live is not None:
            self._end(live, until)

    def reserve(self, ref: ObjectRef) -> None:
        """Keep the next place for a sensor that is applied later."""
        if ref not in self._live:
            self._places[ref] = self._place_of(ref)

    def give_away(self, ref: ObjectRef) -> list[Live]:
        """All stretches of one sensor, which decides nothing here any more. Its place is kept."""
        live = self._live.pop(ref, None)
        mine = [one for one in self._ended if one.sensor.ref == ref] + ([] if live is None else [live])
        self._ended = [one for one in self._ended if one.sensor.ref != ref]
        for one in mine:
            self._withdraw(one)
        if live is not None:
            self._places[ref] = live.order
        return mine

    def passed(self, position: int) -> None:
        """Forget the revisions that decide nothing after `position`."""
        if self._ended:
            for live in self._ended:
                if live.until is not None and live.until <= position:
                    self._withdraw(live)
            self._ended = [live for live in self._ended if live.until is None or live.until > position]

    def _place_of(self, ref: ObjectRef) -> int:
        order = self._places.pop(ref, self._next_order)
        self._next_order += order == self._next_order
        return order

    def _place(self, live: Live) -> Live:
        for entry in live.entries:
            self.index.add(entry)
        return live

    def _end(self, live: Live, until: int) -> None:
        live.until = until
        if until <= live.since:
            self._withdraw(live)
        else:
            self._ended.append(live)

    def _withdraw(self, live: Live) -> None:
        for entry in live.entries:
            self.index.discard(entry)
