"""The `http` trigger: one request, truthful about what the answer says.

Semantics: Argo Events' `pkg/sensors/triggers/http`; what differs is in `docs/triggers/http.md`.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

import msgspec

from clients.kept_tls import KeptTLS
from eventbus.chain import Chain
from eventbus.firing import TriggerRef
from manifests.fields import Spec
from manifests.objects import DeclaredTrigger, Dialect
from manifests.secrets import SecretMissing
from sensors.bound import Bound
from sensors.errors import RenderError, TriggerUnavailable
from sensors.parameters import Headers, ParameterError, Payload, compile_headers, compile_payload
from sensors.triggers.certificates import Certificates
from sensors.triggers.fitted import Fitted, readable
from sensors.triggers.http_answer import judge
from sensors.triggers.http_rewrite import parse_spec
from sensors.triggers.http_spec import HttpSpec
from sensors.triggers.http_target import HttpTarget, header_name, header_value
from sensors.triggers.trigger import Delivered, Trigger, TriggerContext, triggers
from sensors.web.call import origin
from sensors.web.client import Web


class StoredRequest(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A rendered request: what the revision's declaration does not say already. It never holds a secret."""

    body: bytes | None
    headers: list[tuple[str, str]] = []
    """Dynamic headers."""
    spec: bytes | None = None
    """The declaration as parameters rewrote it, JSON; None where none did."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StoredRequest).decode


class _Parts:
    """One declaration compiled: its target, and what is rendered for each firing."""

    def __init__(self, spec: HttpSpec, namespace: str, kept: Callable[[], KeptTLS]) -> None:
        self.target = HttpTarget(spec, namespace=namespace, kept=None if spec.tls is None else kept())
        self._payload: Payload | None = compile_payload(spec.payload) if spec.payload else None
        self._headers: Headers | None = compile_headers(spec.dynamic_headers) if spec.dynamic_headers else None
        for n, header in enumerate(spec.dynamic_headers):
            header_name(header.dest, f"dynamicHeaders[{n}].dest")

    def render(self, bound: Bound, spec: bytes | None) -> bytes:
        body = None if self._payload is None else self._payload.build(bound)
        headers = [] if self._headers is None else self._headers.resolve(bound)
        for name, text in dict(headers).items():
            header_value(name, text)
        return _encode(StoredRequest(body, headers, spec))


class HttpTrigger:
    """One compiled http trigger. Holds no state between firings but its connections."""

    def __init__(self, declared: DeclaredTrigger, context: TriggerContext) -> None:
        policy = declared.head.policy
        self._allow = frozenset(policy.status.allow) if policy is not None and policy.status is not None else None
        self._repeatable = declared.head.at_least_once is not False
        self._values = context.values
        self._web = context.web or Web()
        self._owns_web = context.web is None
        kept = partial(context.shared.get(Certificates).kept, TriggerRef(context.namespace, context.sensor, declared.name))
        make = partial(_Parts, namespace=context.namespace, kept=kept)
        parse = partial(parse_spec, lenient=context.dialect is Dialect.ARGO)
        self._fitted = Fitted(declared, HttpSpec, make, dialect=context.dialect, parse=parse)
        if self._fitted.plain is not None:
            self._fitted.plain.target.expect(context.values)

    @property
    def timeout_s(self) -> float:
        """Seconds for one attempt; infinite where parameters may set it, and then `fire` keeps to it."""
        plain = self._fitted.plain
        return math.inf if plain is None else plain.target.spec.timeout_s

    def render(self, bound: Bound) -> bytes:
        """Return the request as bytes to store. Raises `RenderError`."""
        parts, spec = self._fitted.for_firing(bound)
        try:
            return parts.render(bound, spec)
        except (ParameterError, ValueError) as exc:
            raise RenderError(str(exc)) from exc

    def show(self, request: bytes) -> Mapping[str, Any]:
        """Method, url, headers and body; the body as JSON where it is JSON, else as text."""
        stored = _decode(request)
        target = self._target(stored)
        return {
            "method": target.method,
            "url": str(target.url),
            "headers": target.shown_headers(stored.headers),
            "body": readable(stored.body),
        }

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        """Send the request once, follow redirects, and judge the last answer. Raises `TriggerUnavailable` or `TriggerRefused`."""
        stored = _decode(request)
        target = self._target(stored)
        if stored.spec is None:
            return await self._send(target, stored, idempotency_key, chain)
        timeout_s = target.spec.timeout_s
        try:
            async with asyncio.timeout(timeout_s) as deadline:
                return await self._send(target, stored, idempotency_key, chain)
        except TimeoutError as exc:
            if deadline.expired():
                raise TriggerUnavailable(f"timed out after {timeout_s:g}s") from exc
            raise

    async def aclose(self) -> None:
        """Close the connections of a client of its own."""
        if self._owns_web:
            await self._web.aclose()

    async def _send(self, target: HttpTarget, stored: StoredRequest, key: str, chain: Chain | None) -> Delivered:
        try:
            call, secrets = target.call(stored.body, stored.headers, key, self._values, chain=chain, repeatable=self._repeatable)
        except (SecretMissing, ValueError) as exc:
            # Someone can put it right, so it is worth trying again.
            raise TriggerUnavailable(str(exc)) from exc
        answer = await self._web.send(call)
        judge(answer, self._allow, where=origin(target.url), secrets=secrets)
        return Delivered(status=answer.status)

    def _target(self, stored: StoredRequest) -> HttpTarget:
        return self._fitted.stored(stored.spec).target


@triggers.register
class HttpKind:
    """The kind `http`."""

    key: ClassVar[str] = "http"
    spec: ClassVar[type[Spec]] = HttpSpec

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied. Raises `ValueError` naming the field that cannot work."""
        return HttpTrigger(declared, context)
