"""The `webhook` source: any HTTP request as an event."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from pydantic import AfterValidator

from eventbus.event import UNPARSED, Event
from manifests.objects import Dialect
from sources.http.answers import Refused
from sources.http.endpoint import Endpoint, SourceFilter
from sources.http.payload import headers_for_data, metadata_tail, now, parse_tree, random_id, values_by_name
from sources.http.source import HttpSource, Received
from sources.marshalled import readable
from sources.source import SourceContext, sources

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

_FORM = "application/x-www-form-urlencoded"
_LONGEST_ID = 256
_ID_HEADERS = ("Idempotency-Key", "webhook-id")

_encode = msgspec.json.encode


def _check_method(method: str) -> str:
    if method and method not in METHODS:
        hint = f" (did you mean {method.upper()}?)" if method.upper() in METHODS else ""
        raise ValueError(f"expected one of {', '.join(METHODS)}{hint}")
    return method


class WebhookSpec(Endpoint):
    """An endpoint of its own."""

    method: Annotated[str, AfterValidator(_check_method)] = ""
    """The one method it takes; POST where it is empty."""
    filter: SourceFilter = None


@sources.register("webhook", spec=WebhookSpec)
class Webhook(HttpSource[WebhookSpec]):
    """Emits `{"header": …, "body": …, "metadata": …}`.

    Semantics: Argo Events 1.9, `pkg/eventsources/sources/webhook`; what differs is in `docs/sources/webhook.md`.
    """

    members = frozenset(("header", "body", "metadata"))

    def __init__(self, spec: WebhookSpec, context: SourceContext) -> None:
        super().__init__(spec, context)
        self.methods = frozenset({spec.method or "POST"})
        self._reads_query = spec.method == "GET"
        self._tail = metadata_tail(spec.metadata)
        self._metadata = {"metadata": dict(spec.metadata)} if spec.metadata else {}
        self._names_events = context.dialect is Dialect.TOCSIN

    @property
    def endpoint(self) -> Endpoint:
        """The spec itself."""
        return self.spec

    def warnings(self) -> list[str]:
        """Say that a missing method means POST, to those who know it otherwise."""
        return (
            []
            if self.spec.method or self._names_events
            else ["method: empty; POST is taken (Argo Events answers every request with 400)"]
        )

    def receive(self, request: Received) -> Event:
        """The event of one request. Raises `Refused` (400) where the body is not JSON, or a form of too many fields."""
        raw, body = self._body(request)
        header = headers_for_data(request.raw_headers)
        tree: object = UNPARSED if body is UNPARSED else {"header": header, "body": body} | self._metadata
        data = b'{"header":%b,"body":%b%b' % (_encode(header), raw, self._tail)
        return self.event(id=self._id(request), time=now(), data=data, tree=tree)

    def _body(self, request: Received) -> tuple[bytes, object]:
        """The body as JSON text and as parsed, `UNPARSED` where that is for others to do."""
        if self._reads_query:
            return _values(request.query)
        if request.headers.get("Content-Type", "").partition(";")[0].strip().lower() == _FORM:
            return _values(readable(request.body))
        return request.body, parse_tree(request.body)

    def _id(self, request: Received) -> str:
        if self._names_events:
            for header in _ID_HEADERS:
                given = request.headers.getall(header, [])
                if given:
                    return _checked_id(given, header)
        return random_id()


def _values(text: str) -> tuple[bytes, object]:
    values = dict(sorted(values_by_name(text).items()))
    return _encode(values), values


def _checked_id(given: Sequence[str], header: str) -> str:
    id_ = given[0]
    if len(given) > 1 or not 0 < len(id_) <= _LONGEST_ID or not id_.isascii() or not id_.isprintable():
        raise Refused(400, f"{header}: expected one value of 1 to {_LONGEST_ID} printable ASCII characters")
    return id_
