"""What the helper makes of what it is told. Pure but for the clock that measures."""

from time import perf_counter, thread_time
from typing import NamedTuple

from manifests.objects import Dependency
from sensors.beside.wire import Answer, Answers, Ask, Learn, Rule
from sensors.bound import EventView
from sensors.filters.combine import compile_filters
from sensors.filters.held import Clause, Held
from sensors.languages.time_limit import hurried
from sensors.transforms import Transform, transformed

ENOUGH_S = 0.05
"""Seconds after which no further rule is begun: whoever asked may have to stop."""


class _Compiled(NamedTuple):
    clause: Clause
    transform: Transform | None


class Answering:
    """Rules that were learnt, and their answers."""

    def __init__(self) -> None:
        self._rules: dict[int, _Compiled] = {}

    def answer(self, message: Learn | Ask) -> Answers:
        """Learn, or ask."""
        if isinstance(message, Ask):
            return self._ask(message)
        if message.anew:
            self._rules.clear()
        for number, declared in message.rules.items():
            dependency = Dependency.model_validate_json(declared)
            self._rules[number] = _Compiled(*transformed(dependency.transform, compile_filters(dependency)))
        return []

    def _ask(self, ask: Ask) -> Answers:
        view, until = EventView(ask.event, now_us=ask.now_us), perf_counter() + ENOUGH_S
        found: Answers = []
        for rule in ask.rules:
            found.append(_asked(self._rules[rule.number], view, rule))
            if perf_counter() >= until:
                break
        return found


def _asked(compiled: _Compiled, view: EventView, rule: Rule) -> Answer:
    began = thread_time()
    try:
        with hurried(rule.share):
            held = compiled.clause.holds(view)
            took_s = thread_time() - began
            reason = _sendable(compiled.clause.why(view)) if held is Held.ERROR and rule.reason else ""
        return Answer(held.value, took_s, reason, _made(compiled, view) if held is Held.YES else None)
    except Exception:  # whoever asked asks it again, and sees it break
        return Answer(None, thread_time() - began)


def _made(compiled: _Compiled, view: EventView) -> bytes | None:
    seen = view if compiled.transform is None else compiled.transform.apply(view, view.now_us)
    return None if seen is view else seen.event.data


def _sendable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
