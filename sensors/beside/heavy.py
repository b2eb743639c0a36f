"""Which rules take so long that they are better asked beside the event loop. Bounded.

Found by road: many rules that take a tenth of a millisecond each keep others waiting as one does that takes four. What was seen
once may have been the machine's doing, so the next event of the road is measured in processor time.
"""

from collections.abc import Callable, Sequence
from time import thread_time

from eventbus.contract import DependencyRef
from eventbus.event import Road
from manifests.objects import ObjectRef

BESIDE_S = 0.002
"""Seconds that the rules of one event may take in the loop; what takes longer is asked beside it from then on."""
WORTH_S = 0.00005
"""Seconds below which asking one rule beside the loop costs more than it saves."""
LIGHT_AFTER = 1000
"""Events in a row on which heavy rules took less than half of `BESIDE_S`, after which they are asked in the loop again."""
PLACES = 1024
"""So many are told apart; past that the oldest is forgotten."""


class Heavy:
    """Keeps them. Told by the decider."""

    def __init__(self) -> None:
        self.found: Callable[[], None] = lambda: None
        """Told when there is a rule that takes long: whoever asks such rules can make ready."""
        self.rules: dict[DependencyRef, int] = {}
        """Each with the events on which it has still to be light."""
        self.suspected: dict[Road, None] = {}
        """Roads whose rules took long, to be measured at their next event."""

    def measure(self, road: Road) -> "Measure | None":
        """Measures the rules of `road` on its next event, where they are suspected."""
        return Measure(self, road, timed=True) if road in self.suspected else None

    def suspect(self, road: Road) -> None:
        """The rules of `road` took longer than `BESIDE_S`, as far as the clock on the wall can tell."""
        if len(self.suspected) >= PLACES:
            del self.suspected[next(iter(self.suspected))]
        self.suspected[road] = None

    def note(self, rules: Sequence[DependencyRef], processor_s: float) -> None:
        """All of `rules` together took so much processor time for one event."""
        heavy = processor_s > BESIDE_S / 2
        for ref in rules:
            left = LIGHT_AFTER if heavy else self.rules.get(ref, 1) - 1
            if not left:
                self.rules.pop(ref, None)
                continue
            if ref not in self.rules and len(self.rules) >= PLACES:
                del self.rules[next(iter(self.rules))]
            self.rules[ref] = left
        if heavy:
            self.found()

    def forget(self, sensor: ObjectRef) -> None:
        """Forget the rules of `sensor`: they are declared anew."""
        for ref in [ref for ref in self.rules if ref[:2] == sensor[1:]] if self.rules else ():
            del self.rules[ref]


class Measure:
    """What the rules of one event take in the loop, or took until now."""

    def __init__(self, heavy: Heavy, road: Road, *, timed: bool = False) -> None:
        """`timed`: also in processor time, for certainty."""
        self._heavy, self._road, self._timed = heavy, road, timed
        self._spent_s = self._processor_s = 0.0
        self._costly: list[DependencyRef] = []
        self._began_s = thread_time() if timed else 0.0

    def took(self, ref: DependencyRef, seconds: float) -> None:
        """Asking the rule of `ref` took so long, which is more than `WORTH_S`."""
        self._spent_s += seconds
        self._costly.append(ref)

    def paused(self) -> None:
        """Others run now."""
        if self._timed:
            self._processor_s += thread_time() - self._began_s

    def went_on(self) -> None:
        """They have run."""
        if self._timed:
            self._began_s = thread_time()

    def end(self) -> None:
        """All were asked."""
        if self._timed:
            self.paused()
            self._heavy.suspected.pop(self._road, None)
            if self._processor_s > BESIDE_S:
                self._heavy.note(self._costly, self._processor_s)
        elif self._spent_s > BESIDE_S:
            self._heavy.suspect(self._road)
