"""Targets that answer as the scenario says, in the place of the real ones: at `fire`, where every kind of trigger meets them."""

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from multidict import CIMultiDict, CIMultiDictProxy

from eventbus.chain import Chain
from eventbus.firing import TriggerRef
from eventbus.journal import Journal
from manifests.objects import TriggerHead
from manifests.scenario_fields import Answer
from sensors.attempt import Armed
from sensors.bound import Bound
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.http_answer import judge
from sensors.triggers.trigger import Delivered, Trigger, TriggerKinds
from sensors.web import call
from sensors.web.client import Web
from tocsin.armory import Armory
from tocsin.secrets import HiddenValues

_OK = Answer()
_HANGS_S = 366 * 86_400.0


class Script:
    """What the target of one trigger answers, one attempt after the other. It goes on over restarts, as a target would."""

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._answers = _each(answers)

    def next(self) -> Answer:
        """What it answers to the attempt that begins now."""
        return next(self._answers)


def _each(answers: Sequence[Answer]) -> Iterator[Answer]:
    last = _OK
    for last in answers:
        for _ in range(last.times):
            yield last
    while True:
        yield last


class Answering:
    """A trigger whose request is rendered and shown as ever, and goes nowhere."""

    def __init__(self, trigger: Trigger, script: Script, head: TriggerHead | None) -> None:
        self._trigger, self._script = trigger, script
        policy = head.policy if head is not None else None
        self._allow = policy.status.allow if policy is not None and policy.status is not None else None

    @property
    def timeout_s(self) -> float | None:
        """As the real one's; the service's default where the real one keeps to a deadline of its own."""
        timeout_s = self._trigger.timeout_s
        return None if timeout_s is not None and math.isinf(timeout_s) else timeout_s

    def render(self, bound: Bound) -> bytes:
        """As the real one."""
        return self._trigger.render(bound)

    def show(self, request: bytes) -> Mapping[str, Any]:
        """As the real one."""
        return self._trigger.show(request)

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        """Give the next answer of the script."""
        answer = self._script.next()
        await asyncio.sleep(_HANGS_S if answer.hangs else answer.after.total_seconds())
        return _judged(answer, self._allow)

    async def aclose(self) -> None:
        """As the real one."""
        await self._trigger.aclose()


def _judged(answer: Answer, allow: Sequence[int] | None) -> Delivered:
    asked_s = None if answer.retry_after is None else answer.retry_after.total_seconds()
    if answer.unavailable is not None:
        raise TriggerUnavailable(answer.unavailable, retry_after_s=asked_s)
    if answer.refused is not None:
        raise TriggerRefused(answer.refused)
    if answer.status is None:
        return Delivered()
    headers = CIMultiDictProxy(CIMultiDict([] if asked_s is None else [("Retry-After", str(math.ceil(asked_s)))]))
    judge(call.Answer(answer.status, headers, b""), allow, where="the target", secrets=())
    return Delivered(status=answer.status)


class ScriptedArmory(Armory):
    """Gives the dispatcher triggers that reach nobody. Secrets are not needed."""

    acts = False

    def __init__(self, journal: Journal, kinds: TriggerKinds, scripts: dict[str, Script]) -> None:
        """`scripts` by `SENSOR/TRIGGER`; where there is none the target takes everything."""
        super().__init__(journal, kinds, HiddenValues(), Web())
        self._scripts = scripts

    async def armed(self, trigger: TriggerRef, revision: str) -> Armed:
        """See `Armory.armed`."""
        armed = await super().armed(trigger, revision)
        script = self._scripts.setdefault(f"{trigger.sensor}/{trigger.trigger}", Script([]))
        answering = Answering(armed.trigger, script, self.head(trigger))
        own_s = armed.timeout_s
        return replace(armed, trigger=answering, timeout_s=None if own_s is not None and math.isinf(own_s) else own_s)

    async def shown(self, trigger: TriggerRef, revision: str, request: bytes) -> Mapping[str, Any]:
        """A request as people may see it."""
        return (await super().armed(trigger, revision)).trigger.show(request)
