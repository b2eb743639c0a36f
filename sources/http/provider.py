"""What the kinds of Git hosts share: events of headers, body and metadata, and delivery ids from a header."""

from abc import abstractmethod
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import msgspec

from eventbus.event import UNPARSED, Event
from manifests.fields import SecretRef, Spec
from sources.http.answers import Refused
from sources.http.endpoint import Endpoint
from sources.http.hooked import HookedSource
from sources.http.payload import headers_for_data, metadata_tail, now, parse_tree, random_id
from sources.http.source import Authentication, Received, Taken
from sources.source import SourceContext

_LONGEST_ID = 128

_encode = msgspec.json.encode


class ProviderSpec(Spec):
    """What every provider's spec has."""

    webhook: Endpoint
    """Where the provider sends to."""
    delete_hook_on_finish: bool = False
    """Whether registered hooks are deleted when the source ends."""
    metadata: dict[str, str] = {}
    """Copied into the data of every event."""


SpecT = TypeVar("SpecT", bound=ProviderSpec)


class ProviderSource(HookedSource[SpecT]):
    """Emits `{"headers": …, "body": …, "metadata": …}`; the body must be JSON."""

    methods = frozenset({"POST"})
    accepts_compressed = False
    delivery_headers: tuple[str, ...] = ()
    """Headers that name a delivery, the best first: a delivery that is sent again is the same event."""

    def __init__(self, spec: SpecT, context: SourceContext) -> None:
        super().__init__(spec, context)
        self._tail = metadata_tail(spec.metadata)
        self._metadata = {"metadata": dict(spec.metadata)} if spec.metadata else {}

    @property
    def endpoint(self) -> Endpoint:
        """The `webhook` field."""
        return self.spec.webhook

    @property
    def deletes_hooks(self) -> bool:
        """The `deleteHookOnFinish` field."""
        return self.spec.delete_hook_on_finish

    @property
    @abstractmethod
    def secrets(self) -> Sequence[tuple[str, SecretRef]]:
        """What deliveries are verified with, each with the field that names it."""

    @abstractmethod
    def verify(self, request: Received) -> None:
        """Return where the request is the provider's. Called where there are secrets. Raises `Refused` (401)."""

    @property
    def authentication(self) -> Authentication:
        """By signature or token where there is a secret."""
        return Authentication.SIGNATURE if self.secrets else super().authentication

    def check(self) -> None:
        """Refuse a secret that is missing or empty."""
        super().check()
        for field, ref in self.secrets:
            self.usable_secret(ref, field)

    def receive(self, request: Received) -> Taken | Coroutine[Any, Any, Taken]:
        """See `HttpSource.receive`."""
        return self.delivered(request)

    def delivered(self, request: Received) -> Event:
        """The event of one delivery. Raises `Refused`: 401 where it is not verified, 400 where it is no JSON."""
        if self.secrets:
            self.verify(request)
        return self.made(request, request.body, parse_tree(request.body), self._delivery(request))

    def made(self, request: Received, body: bytes, tree: object, id: str) -> Event:
        """The event `id` of a delivery with `body`; `tree` is that decoded, or `UNPARSED`."""
        headers = headers_for_data(request.raw_headers)
        whole: object = UNPARSED if tree is UNPARSED else {"headers": headers, "body": tree} | self._metadata
        data = b'{"headers":%b,"body":%b%b' % (_encode(headers), body, self._tail)
        return self.event(id=id, time=now(), data=data, tree=whole)

    def _delivery(self, request: Received) -> str:
        for header in self.delivery_headers:
            values = request.headers.getall(header, [])
            if values:
                return _checked(header, values)
        return random_id()


def _checked(header: str, values: Sequence[str]) -> str:
    value = values[0]
    plain = value.isascii() and value.isprintable() and " " not in value
    if len(values) > 1 or not plain or not 0 < len(value) <= _LONGEST_ID:
        raise Refused(400, f"{header}: expected one value of up to {_LONGEST_ID} printable characters without spaces")
    return value
