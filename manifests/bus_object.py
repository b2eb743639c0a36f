"""Reading an `EventBus`. Rules: Argo Events, `ValidateEventBus`."""

from collections.abc import Iterator
from typing import Any

from manifests.bodies import EventBusBody, JetStreamBus, NatsBus
from manifests.checked import check
from manifests.header import Header
from manifests.objects import EventBus
from manifests.report import Fault, Report


def read_event_bus(spec: Any, header: Header, report: Report) -> EventBus | None:
    """Return the bus, or None where the report refused it."""
    body = check(EventBusBody, {} if spec is None else spec, ("spec",), report)
    report.take(body.faults)
    if body.value is not None:
        report.take(_faults(body.value))
    if report.refused:
        return None
    return EventBus(ref=header.ref, dialect=header.dialect, content=header.content(spec))


def _faults(body: EventBusBody) -> Iterator[Fault]:
    if all(one is None for one in (body.nats, body.jetstream, body.kafka, body.jetstream_exotic)):
        yield Fault(("spec",), "missing; a bus needs one of 'nats', 'jetstream', 'kafka' or 'jetstreamExotic'")
    if body.nats is not None:
        yield from _nats(body.nats)
    if body.jetstream is not None:
        yield from _jetstream(body.jetstream)
    for field, bus in (("kafka", body.kafka), ("jetstreamExotic", body.jetstream_exotic)):
        if bus is not None and not bus.url:
            yield Fault(("spec", field, "url"), "missing; expected the address of the bus")


def _nats(nats: NatsBus) -> Iterator[Fault]:
    at = ("spec", "nats")
    if (nats.native is None) == (nats.exotic is None):
        yield Fault(at, "expected exactly one of 'native' and 'exotic'")
    if nats.exotic is not None:
        for field, value in (("clusterID", nats.exotic.cluster_id), ("url", nats.exotic.url)):
            if not value:
                yield Fault((*at, "exotic", field), "missing, and required")


def _jetstream(bus: JetStreamBus) -> Iterator[Fault]:
    if not bus.version:
        yield Fault(("spec", "jetstream", "version"), "missing; expected a version such as '2.10.29'")
    if bus.replicas is not None and bus.replicas != 1 and bus.replicas < 3:
        yield Fault(("spec", "jetstream", "replicas"), f"expected 1 or at least 3, got {bus.replicas}")
