"""What a kind that is called over HTTP gives to the listener."""

from abc import abstractmethod
from collections.abc import Coroutine
from enum import StrEnum
from typing import Any, NamedTuple

from multidict import CIMultiDictProxy

from eventbus.event import Event
from manifests.fields import SecretRef
from manifests.secrets import SecretMissing
from sources.http.answers import Refused
from sources.http.endpoint import Endpoint
from sources.http.paths import template
from sources.http.provider_api import HookProblem
from sources.source import Source, SourceRefused, SpecT

UNAUTHENTICATED = "tocsin.dev/unauthenticated"
"""Annotation of an EventSource: `"true"`, or the names of its events that anyone may call, separated by commas."""

ANY_METHOD: frozenset[str] = frozenset()


class Authentication(StrEnum):
    """How a source knows who is calling."""

    BEARER = "bearer"
    SIGNATURE = "signature"
    NONE = "none"


class Received(NamedTuple):
    """A request whose body has arrived whole, within its limit, decompressed."""

    method: str
    query: str
    """The query string as sent, without the question mark."""
    headers: CIMultiDictProxy[str]
    raw_headers: tuple[tuple[bytes, bytes], ...]
    """Names and values as sent, in order."""
    body: bytes


class Reply(NamedTuple):
    """A success answer without an event."""

    reason: str
    """Why there is no event, for the sender and the counters."""
    headers: tuple[tuple[str, str], ...] = ()
    """What the answer says beside it."""


Taken = Event | list[Event] | Reply
"""What a request becomes."""


class HttpSource(Source[SpecT]):
    """One endpoint. The listener checks path, method, bearer token and size before it calls `receive`."""

    methods: frozenset[str] = ANY_METHOD
    """Methods it takes; empty means any, as Argo Events' provider kinds have it."""
    keeps_hooks: bool = False
    """Whether `run` keeps hooks at a provider, beside being served by the listener."""
    accepts_compressed: bool = True
    """Whether a `Content-Encoding` may be undone before `receive`; not where a signature covers the bytes as sent."""

    @property
    @abstractmethod
    def endpoint(self) -> Endpoint:
        """Where it listens."""

    @property
    def authentication(self) -> Authentication:
        """How a request is verified; the strongest where there are several ways."""
        return Authentication.BEARER if self.endpoint.auth_secret else Authentication.NONE

    @property
    def declared_unauthenticated(self) -> bool:
        """Whether the annotation `tocsin.dev/unauthenticated` says that anyone may call this event."""
        said = self.context.annotations.get(UNAUTHENTICATED, "")
        return said == "true" or self.context.road.name in [name.strip() for name in said.split(",")]

    @abstractmethod
    def receive(self, request: Received) -> "Taken | Coroutine[Any, Any, Taken]":
        """Verify and read one request; several events are all in the log before the answer. Raises `Refused`; anything else
        is a fault of ours and answered 500.

        Called in the event loop, so it does no I/O but reading secrets, and its cost is every sender's. Where somebody has to be
        asked, it returns a coroutine.
        """

    def check(self) -> None:
        """Raise `SourceRefused` where the source cannot serve as declared, such as with an empty secret."""
        if self.keeps_hooks and template(self.endpoint.endpoint).pattern is not None:
            raise SourceRefused(
                f"endpoint: a provider cannot be told to send to {self.endpoint.endpoint}; write a path without braces"
            )
        if self.endpoint.auth_secret is not None:
            self.usable_secret(self.endpoint.auth_secret, "authSecret")

    @property
    def public_url(self) -> str:
        """Where a provider is told to send to."""
        return self.endpoint.url.rstrip("/") + self.endpoint.endpoint

    def credential(self, ref: SecretRef, field: str) -> str:
        """The value of `ref`, for calls to a provider. Raises `HookProblem` where it is missing."""
        try:
            return self.secret(ref).decode()
        except SecretUnreadable as exc:
            raise HookProblem(f"{field}: {exc.reason}") from exc
        except UnicodeDecodeError:
            raise HookProblem(f"{field}: is not UTF-8 text") from None

    def secret(self, ref: SecretRef) -> bytes:
        """The value of `ref` as it is now; raises `Refused` (503) where there is none, because then nobody can be verified."""
        try:
            value = self.context.values.secret(self.context.road.namespace, ref.name, ref.key).reveal()
        except SecretMissing as exc:
            raise SecretUnreadable(str(exc)) from exc
        if not value:
            raise SecretUnreadable(f"Secret {self.context.road.namespace}/{ref.name}, key {ref.key}: empty")
        return value

    def usable_secret(self, ref: SecretRef, field: str) -> bytes:
        """The secret of `field` as it is now. Raises `SourceRefused` where it is missing or empty."""
        try:
            return self.secret(ref)
        except SecretUnreadable as exc:
            raise SourceRefused(f"{field}: {exc.reason}; give it a value, or anyone could pass as the sender") from exc


class SecretUnreadable(Refused):
    """A secret that requests are verified with is gone. The sender is told to come back, the operator what is missing."""

    def __init__(self, reason: str) -> None:
        super().__init__(503, "requests cannot be verified now; the operator has to restore a secret", retry_after_s=30)
        self.reason = reason
