"""The object that a trigger of a cluster sends: rendered from a firing's events, or, where it is read when acting, made ready."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from cluster.api import Json
from manifests.objects import Parameter
from sensors.artifacts.content import NotAnObject, to_json, to_object
from sensors.artifacts.reading import Reader
from sensors.artifacts.spec import Location
from sensors.bound import Bound
from sensors.errors import TriggerRefused
from sensors.parameters import ParameterError, Parameters, compile_parameters
from sensors.parameters.resolve import Resolved
from sensors.triggers.trigger import TriggerContext


class StoredObject(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A rendered request. It never holds a secret."""

    at_ms: int
    """When it was decided, milliseconds since 1970 UTC."""
    body: bytes | None
    """The object as JSON; None where it is read when acting."""
    values: list[tuple[str, str | None] | None] = []
    """What parameters set in an object that is read when acting."""
    spec: bytes | None = None
    """The declaration as parameters of the trigger rewrote it; None where none did."""
    events: list[str] = []
    """The events it was decided on, each as SOURCE/NAME/ID."""


_encode = msgspec.msgpack.Encoder().encode
stored = msgspec.msgpack.Decoder(StoredObject).decode


class Rendering:
    """How one declaration's object comes about."""

    def __init__(
        self,
        source: Location,
        parameters: Sequence[Parameter],
        place: str,
        context: TriggerContext,
        *,
        live: bool = False,
        check: Callable[[Json], None] | None = None,
    ) -> None:
        """`live`: parameters are applied to what the cluster has. `check` raises `ValueError` on an object that cannot be sent.

        Raises `ValueError` naming what cannot work.
        """
        self._parameters: Parameters = compile_parameters(parameters, place)
        self._where, declared = source.given()
        self._live = live
        self._check = check
        self._base = _written(self._where, declared)
        self._reader = None if self._base is not None else Reader(self._where, declared, context)
        if self._base is not None and self._parameters:
            self._base = _in_order(self._base)
        elif self._base is not None:
            to_object(self._base)

    def render(self, bound: Bound, spec: bytes | None) -> bytes:
        """The request. Raises `ParameterError` and `ValueError`."""
        at_ms = int(bound.now.timestamp() * 1000)
        if self._base is not None and not self._live:
            body = to_object(self._parameters.apply(self._base, bound))
            if self._check is not None:
                self._check(body)
            return _encode(StoredObject(at_ms, msgspec.json.encode(body), [], spec, _events(bound)))
        values = self._parameters.resolve(bound)
        body_now = None if self._base is None else msgspec.json.encode(to_object(self._base))
        kept = [None if one is None else (one.text, one.raw) for one in values]
        return _encode(StoredObject(at_ms, body_now, kept, spec, _events(bound)))

    def show(self, kept: StoredObject) -> Mapping[str, Any]:
        """The object, or where it is read; and what is set in it then."""
        shown: dict[str, Any] = {}
        if kept.body is not None:
            shown["resource"] = msgspec.json.decode(kept.body)
        elif self._reader is not None:
            shown["source"] = self._reader.show()
        if kept.values:
            named = self._parameters.named(_resolved(kept))
            shown["parameters"] = [{"dest": dest, "value": value.text} for dest, value in named]
        return shown

    async def object_of(self, kept: StoredObject) -> Json:
        """The object to send. Raises `TriggerUnavailable` or `TriggerRefused` where it cannot be read."""
        if kept.body is not None or self._reader is None:
            body: Json = msgspec.json.decode(kept.body or b"{}")
            return body
        text = await self._reader.read()
        try:
            document = to_json(text)
            return to_object(document if self._live else self._parameters.put(_in_order(document), _resolved(kept)))
        except (NotAnObject, ParameterError) as exc:
            raise TriggerRefused(f"{self._reader.what}: {exc}") from exc

    def changed(self, kept: StoredObject, found: Json) -> dict[str, Any]:
        """What the parameters make of an object as the cluster has it. Raises `TriggerRefused`."""
        try:
            return to_object(self._parameters.put(msgspec.json.encode(found, order="sorted"), _resolved(kept)))
        except (NotAnObject, ParameterError) as exc:
            raise TriggerRefused(str(exc)) from exc


def _written(where: str, declared: Any) -> bytes | None:
    """The object's JSON, where it stands in the manifest. Raises `ValueError` where it is no object."""
    if where == "resource":
        return msgspec.json.encode(declared)
    return to_json(declared.encode()) if where == "inline" else None


def _in_order(document: bytes) -> bytes:
    """An object with its members by name, as the original has them: a `dest` with `*` takes the first that matches."""
    return msgspec.json.encode(msgspec.json.decode(document), order="sorted")


def _resolved(kept: StoredObject) -> list[Resolved | None]:
    return [None if one is None else Resolved(*one) for one in kept.values]


def _events(bound: Bound) -> list[str]:
    """Each event once, in the order of the dependencies."""
    seen = [view.event for _, view in sorted(bound.events.items())]
    return list(dict.fromkeys(f"{event.source}/{event.name}/{event.id}" for event in seen))
