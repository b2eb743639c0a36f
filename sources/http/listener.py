"""The listener of all sources that are called over HTTP: one server for each port, many routes on each."""

import asyncio
import errno
import ipaddress
import os
import socket
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import structlog

from eventbus.event import Road
from manifests.fields import SecretRef, Spec
from sources.http.certificate import Pair, ServedCertificate
from sources.http.limits import Budget, Limits
from sources.http.paths import both_take, template
from sources.http.port import Port
from sources.http.route import Route
from sources.http.source import UNAUTHENTICATED, Authentication, HttpSource
from sources.source import Emit, SourceRefused

logger = structlog.get_logger(__name__)


class _Identity(NamedTuple):
    """Which certificate a port serves; None is none."""

    namespace: str
    certificate: SecretRef
    key: SecretRef


class HttpListener:
    """Serves HTTP sources. Adding and removing one leaves the connections of the others alone.

    Calls of `add`, `remove` and `stop` are applied one after another.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port_offset: int = 0,
        allow_unauthenticated: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self.host = host
        self._offset = port_offset
        self._allow_unauthenticated = allow_unauthenticated
        self._limits = limits or Limits()
        self._budget = Budget(self._limits.body_bytes)
        self._ports: dict[str, Port] = {}
        self._tls: dict[str, tuple[_Identity | None, Road]] = {}
        self._served: dict[str, ServedCertificate] = {}
        self._homes: dict[Road, tuple[str, str]] = {}
        self._changing = asyncio.Lock()
        self._stopped = False

    async def add(self, source: HttpSource[Spec], emit: Emit) -> int:
        """Serve `source`, in place of one with the same road; return its real port.

        Raises `SourceRefused` with the reason where it cannot be served; then nothing has changed.
        """
        async with self._changing:
            self._refuse_what_cannot_be_served(source)
            declared = source.endpoint.port
            route = Route(source, emit, limits=self._limits, budget=self._budget)
            former = self._homes.get(route.road)
            port = await self._port(source)
            self._say_overlaps(route, port)
            port.put(route)
            home = declared, route.template.key
            self._homes[route.road] = home
            if former is not None and former != home:
                await self._leave(former)
            return port.number

    async def remove(self, road: Road) -> None:
        """Serve the source of `road` no more; what it is answering is answered. Does nothing where it is not served."""
        async with self._changing:
            home = self._homes.pop(road, None)
            if home is not None:
                await self._leave(home)

    async def stop(self, *, grace_s: float = 20.0) -> None:
        """Stop accepting, let requests in flight be answered for up to `grace_s` seconds, then close every connection."""
        async with self._changing:
            self._stopped = True
            ports, self._ports = list(self._ports.values()), {}
            self._homes.clear()
            self._tls.clear()
            self._served.clear()
            async with asyncio.TaskGroup() as tasks:
                for port in ports:
                    tasks.create_task(port.close(grace_s), name=f"http-close-{port.number}")

    def look_at_certificates(self) -> None:
        """Read again what the ports serve, and tell their sources what is wrong with it: new connections do so by themselves."""
        for declared, served in self._served.items():
            problem = served.look()
            for route in self._ports[declared].routes.values():
                route.source.context.degraded(problem and f"{problem}; the certificate of before is served on")

    def answers(self) -> Iterable[tuple[Road, Mapping[int, int]]]:
        """Answers of each source by status, since its declaration was applied; 0 is a client that left."""
        return [(route.road, dict(route.answered)) for port in self._ports.values() for route in port.routes.values()]

    def unrouted(self) -> Mapping[int, Mapping[int, int]]:
        """Answers that no source gave, by port and status."""
        return {port.number: dict(port.answered) for port in self._ports.values()}

    def _full(self, port: Port) -> bool:
        """Whether `port` may open no connection more."""
        limits = self._limits
        for_others = min(limits.reserved * (len(self._ports) - 1), limits.connections // 2)
        return len(port) >= limits.connections - for_others or sum(map(len, self._ports.values())) >= limits.connections

    def _refuse_what_cannot_be_served(self, source: HttpSource[Spec]) -> None:
        if self._stopped:
            raise SourceRefused("the listener has been stopped")
        source.check()
        road, endpoint = source.context.road, source.endpoint
        port = self._ports.get(endpoint.port)
        there = port.routes.get(template(endpoint.endpoint).key) if port is not None else None
        if there is not None and there.road != road:
            raise SourceRefused(f"endpoint: {endpoint.endpoint} on port {endpoint.port} belongs to {there.road}; choose another")
        if (
            source.authentication is Authentication.NONE
            and not (source.declared_unauthenticated or self._allow_unauthenticated)
            and not _is_loopback(self.host)
        ):
            raise SourceRefused(
                f"anyone who reaches {self.host or 'this machine'} could send events: set authSecret or the kind's own secret, "
                f'or say that this is wanted with the annotation {UNAUTHENTICATED}: "true" or --allow-unauthenticated'
            )

    def _say_overlaps(self, route: Route, port: Port) -> None:
        """Say once where two templates take the same path; one that is plain is meant to be the exception from a template."""
        for other in port.routes.values():
            if other.road == route.road or None in (route.template.pattern, other.template.pattern):
                continue
            if path := both_take(route.template, other.template):
                first, second = sorted((route, other), key=lambda each: each.template.rank)
                logger.warning(
                    "endpoints_overlap",
                    source=str(route.road),
                    path=path,
                    reason=f"{first.template.text} of {first.road} comes before {second.template.text} of {second.road}",
                )

    async def _port(self, source: HttpSource[Spec]) -> Port:
        """The open port of `source`, opened if need be."""
        declared, road = source.endpoint.port, source.context.road
        identity = _identity(source)
        port = self._ports.get(declared)
        if port is not None:
            self._refuse_other_tls(declared, identity, source)
            return port
        served = None if identity is None else _served(source, identity)
        port = Port(limits=self._limits, full=self._full, tls=None if served is None else served.context)
        number = int(declared) + self._offset if declared != "0" else 0
        try:
            if not (0 < number <= 65535 or declared == "0"):
                raise OverflowError(f"with the port offset {self._offset} it would be {number}")
            await port.open(self.host, number)
        except (OSError, OverflowError) as exc:
            raise SourceRefused(f"port: {road} cannot listen on {self.host}:{number}: {_why_not(exc)}") from exc
        self._ports[declared], self._tls[declared] = port, (identity, road)
        if served is not None:
            self._served[declared] = served
        return port

    def _refuse_other_tls(self, declared: str, identity: _Identity | None, source: HttpSource[Spec]) -> None:
        present, owner = self._tls[declared]
        alone = all(route.road == source.context.road for route in self._ports[declared].routes.values())
        if present == identity:
            return
        hint = "choose another port for the new setting" if alone else "give both the same setting, or different ports"
        raise SourceRefused(
            f"serverCertSecret: port {declared} serves {_describe(present)} for {owner}, and {source.context.road} wants "
            f"{_describe(identity)}; {hint}"
        )

    async def _leave(self, home: tuple[str, str]) -> None:
        declared, key = home
        port = self._ports[declared]
        port.drop(key)
        if not port.routes:
            del self._ports[declared], self._tls[declared]
            self._served.pop(declared, None)
            await port.close(grace_s=20.0)


def _why_not(exc: OSError | OverflowError) -> str:
    """What keeps a port from being opened, and what to do about it."""
    if isinstance(exc, OverflowError):
        return f"{exc}; choose another offset"
    if isinstance(exc, socket.gaierror):
        return f"{exc.strerror}; listen on an address of this machine"
    reason = os.strerror(exc.errno).lower() if exc.errno else str(exc)  # the loop's own text repeats the address
    if exc.errno == errno.EADDRNOTAVAIL:
        return f"{reason}; listen on an address of this machine"
    return f"{reason}; choose a free port" + (" above 1023" if exc.errno == errno.EACCES else "")


def _identity(source: HttpSource[Spec]) -> _Identity | None:
    certificate, key = source.endpoint.server_cert_secret, source.endpoint.server_key_secret
    return _Identity(source.context.road.namespace, certificate, key) if certificate and key else None


def _served(source: HttpSource[Spec], identity: _Identity) -> ServedCertificate:
    def read() -> Pair:
        certificate = source.usable_secret(identity.certificate, "serverCertSecret")
        return Pair(certificate, source.usable_secret(identity.key, "serverKeySecret"))

    return ServedCertificate(read, where=source.endpoint.port)


def _describe(identity: _Identity | None) -> str:
    return f"TLS with Secret {identity.namespace}/{identity.certificate.name}" if identity else "no TLS"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
