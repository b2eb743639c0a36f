"""The `log` trigger: writes each event of the firing to the service's log.

Semantics: Argo Events' `pkg/sensors/triggers/log`; what differs is in `docs/triggers/log.md`.
"""

import time
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, ClassVar, cast

import msgspec
import structlog
from pydantic import Field

from eventbus.chain import Chain
from manifests.fields import Spec
from manifests.objects import DeclaredTrigger, Dialect
from sensors.bound import Bound, EventView, context_of
from sensors.errors import RenderError
from sensors.parameters import ParameterError, compile_parameters
from sensors.triggers.trigger import Delivered, Trigger, TriggerContext, triggers

_TEXT = frozenset({"application/json", "text/plain"})


class LogSpec(Spec):
    """What a log trigger lets a user write."""

    interval_seconds: int = Field(default=0, ge=0)
    """At most one firing in this many seconds is written; 0 writes all. Argo Events manifests write all, as upstream."""


class LogLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One event as it is written."""

    dependency: str
    context: dict[str, str | None]
    message: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[LogLine]).decode


class LogTrigger:
    """One compiled log trigger."""

    def __init__(self, declared: DeclaredTrigger, context: TriggerContext) -> None:
        spec = cast("LogSpec", declared.spec)
        self._interval_s = spec.interval_seconds if context.dialect is Dialect.TOCSIN else 0
        self._silent_until = 0.0
        # Nothing of the template is in a line, but a parameter without a value fails the firing, as upstream.
        self._parameters = compile_parameters(declared.head.parameters)
        self._template = msgspec.json.encode(declared.template) if self._parameters else b""
        self._log = structlog.get_logger("tocsin.sensor").bind(
            namespace=context.namespace, sensorName=context.sensor, triggerName=declared.name
        )

    @property
    def timeout_s(self) -> None:
        """None: writing a line takes no time."""
        return None

    def render(self, bound: Bound) -> bytes:
        """Return the lines as bytes to store, in the order of the dependencies' names. Raises `RenderError`."""
        try:
            self._parameters.apply(self._template, bound)
        except ParameterError as exc:
            raise RenderError(str(exc)) from exc
        return _encode([_line(name, view) for name, view in sorted(bound.events.items())])

    def show(self, request: bytes) -> Mapping[str, Any]:
        """The lines."""
        lines = [
            {"dependencyName": line.dependency, "eventContext": line.context, "message": line.message}
            for line in _decode(request)
        ]
        return {"lines": lines}

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        """Write the lines at info level, unless the interval asks for silence."""
        now = time.monotonic()
        if now < self._silent_until:
            return Delivered(detail="not written: within intervalSeconds of the last one")
        self._silent_until = now + self._interval_s
        for line in _decode(request):
            self._log.info(line.message, dependencyName=line.dependency, eventContext=line.context, firing=idempotency_key)
        return Delivered()

    async def aclose(self) -> None:
        """Do nothing: it holds nothing open."""


@triggers.register
class LogKind:
    """The kind `log`."""

    key: ClassVar[str] = "log"
    spec: ClassVar[type[Spec]] = LogSpec

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied."""
        return LogTrigger(declared, context)


def _line(dependency: str, view: EventView) -> LogLine:
    data = view.event.data or b""
    as_text = (view.event.datacontenttype or "").partition(";")[0].strip().lower() in _TEXT
    message = data.decode("utf-8", "replace") if as_text else b64encode(data).decode()
    return LogLine(dependency, context_of(view.event), message)
