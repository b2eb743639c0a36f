"""The `custom` trigger: has a user's own gRPC service act.

Semantics: Argo Events' `pkg/sensors/triggers/custom-trigger`; what differs is in `docs/triggers/custom.md`.
"""

import asyncio
import sys
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from clients.credentials import Credentials
from clients.extras import needs_extra
from clients.kept_tls import KeptTLS
from clients.tls import TLSMaterial
from eventbus.chain import Chain
from eventbus.firing import TriggerRef
from manifests.fields import Spec
from manifests.objects import DeclaredTrigger, TocsinTriggerHead
from sensors.bound import Bound
from sensors.errors import RenderError
from sensors.parameters import ParameterError, compile_parameters, compile_payload
from sensors.parameters.resolve import Resolved
from sensors.triggers.available import available
from sensors.triggers.certificates import Certificates
from sensors.triggers.custom_spec import CustomSpec, target
from sensors.triggers.fitted import Fitted, readable
from sensors.triggers.trigger import Delivered, Trigger, TriggerContext, TriggerRefused, triggers

if TYPE_CHECKING:
    from sensors.triggers.custom_calls import CustomWay

KEY_HEADER = "idempotency-key"
NOT_INSTALLED = needs_extra("gRPC", "grpc")
_CALLS = "sensors.triggers.custom_calls"
TIMEOUT_S = 60.0
"""Seconds for one attempt, which the service is told; `timeout` of the trigger sets others."""


class _Stored(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A rendered request. It never holds a secret."""

    payload: bytes | None
    values: list[tuple[str, str | None] | None] = []
    """What parameters set in the resource that the service fetches."""
    spec: bytes | None = None
    """The declaration as parameters of the trigger rewrote it, JSON; None where none did."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode


class _Parts:
    """One declaration compiled."""

    def __init__(self, spec: CustomSpec, kept: KeptTLS) -> None:
        self.spec = spec
        self._kept = kept
        self._payload = compile_payload(spec.payload) if spec.payload else None
        self._parameters = compile_parameters(spec.parameters, "template.custom.parameters")
        self._where = f"custom trigger service at {spec.server_url}"

    def render(self, bound: Bound, spec: bytes | None) -> bytes:
        """The request. Raises `ParameterError`."""
        payload = None if self._payload is None else self._payload.build(bound)
        values = [None if one is None else (one.text, one.raw) for one in self._parameters.resolve(bound)]
        return _encode(_Stored(payload, values, spec))

    def show(self, stored: _Stored) -> Mapping[str, Any]:
        spec = self.spec
        shown: dict[str, Any] = {"serverURL": spec.server_url, "secure": spec.secure, "spec": dict(spec.spec)}
        if spec.parameters:
            named = self._parameters.named(_resolved(stored))
            shown["parameters"] = [{"dest": dest, "value": value.text} for dest, value in named]
        return shown if self._payload is None else {**shown, "payload": readable(stored.payload)}

    def way(self, read: Credentials) -> "CustomWay":
        """How to call it, with the certificate as it is now. Raises `SecretMissing` and `ValueError`."""
        from sensors.triggers.custom_calls import CustomWay  # noqa: PLC0415 - an extra, and heavy

        spec, ca = self.spec, None
        if spec.secure:
            ca = self._kept.usable(lambda: _authority(read.bytes(spec.cert_secret))).ca
        return CustomWay(target(spec.server_url), self._where, ca, spec.server_name_override if spec.secure else "")

    def changed(self, stored: _Stored, fetched: bytes) -> bytes:
        """The resource to execute. Raises `TriggerRefused` where parameters are to change something that is no JSON object."""
        if not self.spec.parameters:
            return fetched
        try:
            if not isinstance(msgspec.json.decode(fetched), dict):
                raise ValueError("no object")
            return self._parameters.put(fetched, _resolved(stored))
        except ParameterError as exc:
            raise TriggerRefused(f"{self._where}: the fetched resource: {exc}") from exc
        except (ValueError, RecursionError):
            raise TriggerRefused(
                f"{self._where}: the fetched resource is no JSON object, and parameters can change nothing else"
            ) from None


class CustomTrigger:
    """One compiled custom trigger. Its connections are the service's."""

    def __init__(self, declared: DeclaredTrigger, context: TriggerContext) -> None:
        kept = context.shared.get(Certificates).kept(TriggerRef(context.namespace, context.sensor, declared.name))
        self._fitted = Fitted(declared, CustomSpec, lambda spec: _Parts(spec, kept), dialect=context.dialect)
        self._credentials = Credentials(context.namespace, context.values)
        self._shared = context.shared
        head = declared.head
        given = head.timeout if isinstance(head, TocsinTriggerHead) else None
        self._timeout_s = TIMEOUT_S if given is None else given.total_seconds()

    @property
    def timeout_s(self) -> float:
        """Seconds for one attempt."""
        return self._timeout_s

    def render(self, bound: Bound) -> bytes:
        """Return what is handed over, and what parameters set in the resource, as bytes to store. Raises `RenderError`."""
        parts, spec = self._fitted.for_firing(bound)
        try:
            return parts.render(bound, spec)
        except ParameterError as exc:
            raise RenderError(str(exc)) from exc

    def show(self, request: bytes) -> Mapping[str, Any]:
        """The service, what it is handed, and what is set in the resource that it fetches."""
        stored = _decode(request)
        return self._fitted.stored(stored.spec).show(stored)

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        """Have the service fetch the resource, execute it, and judge the outcome."""
        if _CALLS not in sys.modules:
            await asyncio.to_thread(import_module, _CALLS)  # a quarter of a second, in which others go on
        from sensors.triggers.custom_calls import Action, CustomServices  # noqa: PLC0415 - see above

        stored = _decode(request)
        parts = self._fitted.stored(stored.spec)
        with available():
            way = parts.way(self._credentials)
        told = [] if chain is None else [(name.lower(), text) for name, text in chain.headers()]
        action = Action(
            resource=parts.spec.as_yaml(),
            change=partial(parts.changed, stored),
            payload=stored.payload or b"",
            key=idempotency_key,
            metadata=((KEY_HEADER, idempotency_key), *told),
            timeout_s=self._timeout_s,
        )
        return Delivered(detail=await self._shared.get(CustomServices).act(way, action))

    async def aclose(self) -> None:
        """Do nothing: connections are closed when nobody has used them for a while, or with the service."""


@triggers.register
class CustomKind:
    """The kind `custom`."""

    key: ClassVar[str] = "custom"
    spec: ClassVar[type[Spec]] = CustomSpec

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied. Raises `ValueError` naming the field that cannot work."""
        if context.acts and find_spec("grpc") is None:
            raise ValueError(NOT_INSTALLED)
        return CustomTrigger(declared, context)


def _resolved(stored: _Stored) -> list[Resolved | None]:
    return [None if one is None else Resolved(*one) for one in stored.values]


def _authority(pem: bytes) -> TLSMaterial:
    """Whom to trust. Raises `ValueError` where nobody is named: nothing would mean everybody whom the machine knows."""
    if not pem.strip():
        raise ValueError("certSecret is empty; expected a PEM certificate")
    return TLSMaterial(ca=pem)
