"""What a trigger is, and the registry of trigger kinds."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import msgspec

from eventbus.chain import Chain
from manifests.fields import Spec
from manifests.kinds import Kind
from manifests.objects import DeclaredTrigger, Dialect
from manifests.secrets import Values
from sensors.bound import Bound
from sensors.errors import RenderError, TriggerRefused, TriggerUnavailable
from sensors.triggers.shared import Shared
from sensors.web.client import Web

__all__ = [
    "Delivered",
    "RenderError",
    "Trigger",
    "TriggerContext",
    "TriggerKind",
    "TriggerKinds",
    "TriggerRefused",
    "TriggerUnavailable",
    "triggers",
]


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """The target took it."""

    status: int = 0
    """The target's status code, 0 where there is none."""
    detail: str = ""
    """What the target said of it, such as where it put a message; recorded with the attempt. Without secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerContext:
    """What a trigger is told beside its declaration."""

    namespace: str
    sensor: str
    dependencies: tuple[str, ...] = ()
    dialect: Dialect = Dialect.TOCSIN
    values: Values = field(repr=False)
    web: Web | None = field(default=None, repr=False)
    """The service's shared HTTP client; None: the trigger makes one of its own."""
    shared: Shared = field(default_factory=Shared, repr=False)
    """Everything else that triggers share."""
    acts: bool = True
    """False: it is only looked at and never fired, so the library of its kind may be missing."""


class Trigger(Protocol):
    """One compiled trigger: renders requests purely, and fires them."""

    @property
    def timeout_s(self) -> float | None:
        """Seconds for one attempt by the kind's own spec; None: the service's default; infinite: `fire` ends by itself."""

    def render(self, bound: Bound) -> bytes:
        """Return the request as bytes to store: all that a later attempt of this same revision needs, without secrets.

        Pure: the same `bound` gives the same bytes. Raises `RenderError`.
        """

    def show(self, request: bytes) -> Mapping[str, Any]:
        """The request as `simulate` and `why` print it; secrets as `***`."""

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        """Act once, and tell the target of the chain where its protocol has a place for that.

        Raises `TriggerUnavailable` or `TriggerRefused`; any answer that is not a success is one of them.
        If cancelled, the target may or may not have acted; the same key makes the repeat harmless.
        """

    async def aclose(self) -> None:
        """Release connections that only this trigger used."""


class TriggerKind(Protocol):
    """A kind of trigger: its spec and how a declaration becomes something that fires."""

    key: ClassVar[str]
    spec: ClassVar[type[Spec]]

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied. Raises `ValueError` naming the field that cannot work."""


class TriggerKinds:
    """Trigger kinds by key; a second owner of a key is refused. A test makes its own."""

    def __init__(self) -> None:
        self._kinds: dict[str, Callable[[], TriggerKind]] = {}
        self._usual: dict[str, int] = {}
        self._specs: dict[str, type[Spec]] = {}

    def register(self, kind: type[TriggerKind], *, concurrency: int = 0) -> type[TriggerKind]:
        """Register `kind` under its key; use as a class decorator.

        `concurrency` is for kinds that send together what is fired together: see `concurrency`.
        Raises `ValueError` where the key is taken.
        """
        if kind.key in self._kinds:
            raise ValueError(f"two owners of the trigger kind {kind.key!r}")
        self._kinds[kind.key] = kind
        self._specs[kind.key] = kind.spec
        self._usual[kind.key] = concurrency
        return kind

    def make(self, key: str) -> TriggerKind:
        """A new kind object for `key`; raises `KeyError` where there is none."""
        return self._kinds[key]()

    def concurrency(self, key: str) -> int:
        """Attempts at a time of a trigger of this kind that declares no number; 0: the service's default."""
        return self._usual.get(key, 0)

    def kinds(self) -> Iterator[Kind]:
        """What the manifest loader needs to know."""
        for key, spec in self._specs.items():
            yield Kind(key=key, role="trigger", spec=spec)


triggers = TriggerKinds()
"""The kinds of this service; each kind's module registers itself here when imported."""
