"""Recorded events that the filter of their event source would not have let into the log."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from eventbus.event import Event, Road
from manifests.objects import EventSource
from sensors.filters.held import shown
from sensors.languages.expr import Program
from tocsin.source_filter import BadFilter, compile_filter, expression_of, refusal
from tocsin.views import Json


class LeftOut:
    """The filters of event sources, and what they left out so far."""

    def __init__(self, sources: Sequence[EventSource]) -> None:
        """A filter that cannot work is passed over: it is named where the manifests are checked."""
        self._filters: dict[Road, Program] = {}
        self.dropped: list[Json] = []
        """Each event that was left out, with the reason."""
        for source in sources:
            for event in source.events:
                if expression := expression_of(event):
                    with suppress(BadFilter):
                        self._filters[Road(source.ref.namespace, source.ref.name, event.name)] = compile_filter(expression)

    def reason(self, event: Event, now: datetime) -> str:
        """Why `event` is left out; empty where it passes, or where nobody knows of a filter."""
        program = self._filters.get(event.road)
        why = "" if program is None else refusal(program, event, now)
        if program is None or not why:
            return ""
        reason = f"filter.expression {shown(program.text)} of {event.source}/{event.name} leaves the event out: {why}"
        self.dropped.append({"event": {"source": event.source, "name": event.name, "id": event.id}, "reason": reason})
        return reason
