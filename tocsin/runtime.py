"""The running service: what is started, in which order, and how it ends."""

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import structlog

from cluster.allowed import Allowed
from eventbus.contract import Bus
from eventbus.sqlite import open_bus
from manifests.objects import ObjectRef
from sensors.triggers.certificates import Certificates
from sensors.triggers.k8s.hand import Hand
from sensors.triggers.memory import Memory
from sensors.triggers.shared import Shared
from sensors.web.client import Web
from sources.http.listener import HttpListener
from tocsin import datafolder
from tocsin.acts import Acts
from tocsin.api.access import is_loopback, load_token
from tocsin.api.server import ApiUnavailable, serving
from tocsin.armory import Armory
from tocsin.changes import Changes
from tocsin.components import running
from tocsin.config import RunConfig
from tocsin.declared import Declarations, Reading
from tocsin.kinds import source_kinds, trigger_kinds
from tocsin.metrics import Metrics
from tocsin.objects import ObjectState, State
from tocsin.outcome_readers import OutcomeReaders
from tocsin.pauses import Pauses
from tocsin.reload import Reloader
from tocsin.running_sensors import RunningSensors
from tocsin.running_sources import RunningSources
from tocsin.secrets import LocalValues
from tocsin.service import Service
from tocsin.sharing import Sharing
from tocsin.supervisor import Supervisor
from tocsin.trouble import Finder
from tocsin.trouble_finders import of_certificates, of_floods, of_rules, of_sources, of_targets
from tocsin.troubles import Troubles

logger = structlog.get_logger()

_SWITCH_S = 0.0005
"""How soon the loop hands the interpreter over to the thread that has synced the log and wants to say so. With Python's own
5 ms that thread's few microseconds wait out most of a commit: accepting gained a quarter."""


class NothingToRun(Exception):
    """Nothing that is declared can run, and nothing was kept from before."""


class NotAllStarted(Exception):
    """Something that is declared was not started, and `--strict` asks for everything or nothing; the message says what."""


async def serve(
    config: RunConfig, reading: Reading, declared: Declarations, announce: Callable[[Service, str | None], None]
) -> None:
    """Run until SIGTERM or SIGINT; then stop intake, finish what is in flight, and return.

    `declared` is what `reading` read last. `announce` is told when everything runs, with the API's address. Raises
    `NothingToRun`, `NotAllStarted`, `ApiUnavailable` and errors of the bus where it cannot start.
    """
    async with contextlib.AsyncExitStack() as stack:
        stopping = stack.enter_context(stop_signal())
        bus = await stack.enter_async_context(opened(config.data))
        service = await _wired(stack, bus, config, LocalValues(documents=declared.values))
        await service.supervisor.apply(declared)
        service.acts.tell_cut_off()
        # Not before: what partial matches need is known only now.
        bus.retain(config.retention, service.supervisor.needed)
        await service.pauses.forget(service.supervisor.states)
        service.holding.go_on()
        if not any(state.state is not State.STOPPED for state in service.supervisor.states.values()):
            raise NothingToRun
        if config.strict:
            _want_all(service.supervisor.states)
        await service.replayer.load()
        await stack.enter_async_context(running(service.replayer))
        url = await _api(stack, service, config)
        sys.setswitchinterval(_SWITCH_S)
        reloader = Reloader(reading, service.supervisor.reapply, polls=config.watch, loses=service.supervisor.loses)
        await stack.enter_async_context(running(reloader))
        service.started = True
        states = service.supervisor.states
        logger.info(
            "service_started", data=str(config.data), api=url, objects=len(states), not_in_order=_many_not_in_order(states)
        )
        stack.callback(_not_ready, service)
        announce(service, url)
        # What was made so far stays, so the collector need never look at it. Together with looking less often, see `run`, the
        # largest single gain in accepting.
        gc.freeze()
        gc.enable()
        await stopping.wait()
        logger.info("service_stopping")


def _want_all(states: Mapping[ObjectRef, ObjectState]) -> None:
    """Raise `NotAllStarted` where an event source was not started, such as for want of its port or its Secret."""
    refused = [
        f"{ref} {name}: {event.message}" for ref, state in states.items() for name, event in state.events.items() if event.refused
    ]
    if refused:
        raise NotAllStarted(f"nothing was started: --strict, and something does not start: {'; '.join(refused)}")


def _many_not_in_order(states: Mapping[ObjectRef, ObjectState]) -> int:
    return sum(state.state is not State.RUNNING for state in states.values())


def _not_ready(service: Service) -> None:
    service.started = False


async def _wired(stack: contextlib.AsyncExitStack, bus: Bus, config: RunConfig, values: LocalValues) -> Service:
    """Everything between the log and the outside, started in order; leaving `stack` stops it in reverse.

    `values` knows the Secrets of the manifests already: what was under way when the process ended is tried again at once.
    """
    metrics, changes = Metrics(), Changes()
    shared = _shared(bus, config)
    armory = Armory(bus.journal, trigger_kinds(), values, Web(), shared)
    stack.push_async_callback(armory.aclose)
    sharing = Sharing()
    readers = OutcomeReaders(bus.outcomes, ["sensors", "sources"])
    sensors = RunningSensors(
        bus,
        armory,
        metrics,
        changes,
        grace_s=config.grace_s,
        max_hops=config.max_hops,
        readers=readers,
        on_step=sharing.decided,
    )
    listener = HttpListener(host=config.host, port_offset=config.port_offset, allow_unauthenticated=config.allow_unauthenticated)
    pauses = Pauses(bus.state)
    await pauses.load(bus.journal)
    sources = RunningSources(
        bus, metrics, changes, pauses, kinds=source_kinds(), values=values, listener=listener, sharing=sharing, readers=readers
    )
    supervisor = Supervisor(bus, values, metrics, sources, sensors)
    of_sensors = (
        sensors.helper,
        sensors.dispatcher,
        sensors.dead_letters,
        sensors.router,
        sensors.holding,
        sensors.partial_matches,
    )
    for component in (*of_sensors, sources):
        await stack.enter_async_context(running(component, grace_s=config.grace_s + 5.0))
    found_by = [
        of_sources(supervisor.fare, listener.look_at_certificates),
        of_floods(sharing),
        *_found_by(sensors, metrics, shared.get(Certificates)),
        sources.left.troubles,
    ]
    troubles = Troubles(found_by, bus.journal)
    await stack.enter_async_context(running(troubles))
    metrics.in_flight_of = lambda: sensors.dispatcher.in_flight
    metrics.answers_of, metrics.unrouted_of = listener.answers, listener.unrouted
    metrics.troubles_of = lambda: troubles.counts(supervisor.states)
    return Service(
        bus,
        supervisor,
        metrics=metrics,
        changes=changes,
        pauses=pauses,
        holding=sensors.holding,
        acts=Acts(bus, sensors.dispatcher, sensors.watch),
        troubles=troubles,
        left=sources.left,
        ask_beside=sensors.helper.ask,
    )


def _found_by(sensors: RunningSensors, metrics: Metrics, certificates: Certificates) -> list[Finder]:
    """What finds troubles of sensors and their triggers."""
    return [
        of_rules(sensors.erring),
        of_targets(metrics, sensors.dispatcher.hanging),
        sensors.partial_matches.troubles,
        of_certificates(certificates, metrics.triggers.__contains__),
    ]


def _shared(bus: Bus, config: RunConfig) -> Shared:
    """What triggers of all sensors share."""
    shared = Shared()
    shared.put(Memory(bus.state))
    shared.put(Hand(config.cluster, Allowed(config.allowed)))
    return shared


@contextlib.asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Bus]:
    """The bus of a data folder, closed at the end."""
    bus = await open_bus(folder)
    try:
        yield bus
    finally:
        await bus.aclose()


async def _api(stack: contextlib.AsyncExitStack, service: Service, config: RunConfig) -> str | None:
    if config.api is None:
        return None
    host, port = config.api
    url = await stack.enter_async_context(serving(service, host, port, load_token(config.data)))
    datafolder.announce(config.data, datafolder.Running(url, service.instance))
    stack.callback(datafolder.withdraw, config.data)
    return url


def refuse_open_api(config: RunConfig, token: str | None) -> None:
    """Raise `ApiUnavailable` where others could reach the API and no token was chosen."""
    if config.api is not None and not is_loopback(config.api[0]) and not token:
        raise ApiUnavailable(
            f"the API on {config.api[0]} could be reached from other machines: set TOCSIN_API_TOKEN, or listen on 127.0.0.1"
        )


@contextlib.contextmanager
def stop_signal() -> Iterator[asyncio.Event]:
    """An event that SIGTERM and SIGINT set. The first one takes the handlers away, so a second Ctrl-C kills."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    watched = (signal.SIGTERM, signal.SIGINT)

    def begin() -> None:
        stopping.set()
        release()

    def release() -> None:
        for number in watched:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in watched:
        loop.add_signal_handler(number, begin)
    try:
        yield stopping
    finally:
        release()
