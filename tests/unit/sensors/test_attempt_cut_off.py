"""An attempt that was cancelled is recorded with its outcome, whatever its trigger does."""

from eventbus.firing import Firing, Outcome, OutcomeKind, Taken, TriggerRef, firing_id
from sensors.attempt import Armed, Attempts
from sensors.bound import Bound, EventView
from sensors.limits import UNDECLARED, TriggerLimits
from sensors.retry import ONCE
from sensors.triggers.broken import BrokenTrigger

REF = TriggerRef("default", "s", "t")
SKIPPED = Outcome(kind=OutcomeKind.SKIPPED, reason="enough")


class _Faulty(BrokenTrigger):
    def render(self, bound: Bound) -> bytes:  # type: ignore[override]
        raise TypeError("a fault of the kind")


class _Armory:
    def limits(self, trigger: TriggerRef) -> TriggerLimits:
        return UNDECLARED

    async def armed(self, trigger: TriggerRef, revision: str) -> Armed:
        return Armed(trigger=_Faulty("never"), retry=ONCE, timeout_s=None)


async def _nothing(position: int) -> EventView | None:
    return None


async def test_a_request_that_cannot_be_rendered_again_does_not_keep_the_outcome_from_being_recorded() -> None:
    attempts = Attempts(_Armory(), _nothing, lambda: 7, timeout_s=1.0)
    firing = Firing(id=firing_id(REF, []), trigger=REF, revision="r", causes=(), decided_us=0)
    ended = await attempts.cut_off(Taken(firing=firing, attempt=1, request=None), 5, SKIPPED)
    assert (ended.outcome, ended.request) == (SKIPPED, None)
    assert ended.attempt is not None
    assert not ended.attempt.succeeded
