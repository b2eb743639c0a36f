"""Events of which only one can have the endpoint that several ask for."""

from collections.abc import Iterator, Sequence
from typing import Any

from manifests.objects import EventSource, ObjectRef
from manifests.words import quoted
from sources.http.paths import template
from tocsin.checks.finding import Finding


def endpoint_findings(sources: Sequence[EventSource]) -> Iterator[Finding]:
    """Each endpoint but the first of those on one port that take the same paths. Methods tell none apart, as in the listener."""
    taken: dict[tuple[str, str], tuple[ObjectRef, str]] = {}
    for source in sources:
        for event in source.events:
            inner = getattr(event.spec, "webhook", None)
            where: Any = event.spec if inner is None else inner
            port, path = getattr(where, "port", ""), getattr(where, "endpoint", "")
            if not isinstance(port, str) or not isinstance(path, str) or not path or port in ("", "0"):
                continue
            place = event.path if inner is None else f"{event.path}.webhook"
            owner, name = taken.setdefault((port, template(path).key), (source.ref, event.name))
            if (owner, name) != (source.ref, event.name):
                message = f"{path} on port {port} belongs to the event {quoted(name)} of {owner.namespace}/{owner.name}"
                yield Finding(source.ref, f"{place}.endpoint", message)
