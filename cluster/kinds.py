"""Which kinds a cluster serves, and under which paths: asked for, remembered, asked for again where something is not found."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from cluster.faults import ClusterRefused, NotFound, UnknownKind
from manifests.words import did_you_mean

FRESH_S = 600.0
"""What a cluster serves is asked for again after this time."""
MISS_S = 1.0
"""A kind that was not found is looked for again no sooner."""

_API_VERSION = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*/)?[a-z][a-z0-9-]*")

Fetch = Callable[[str, str], Awaitable[Mapping[str, Any]]]
"""The document at a path; the second argument says what it is for."""


class Kind(NamedTuple):
    """A kind as the cluster serves it."""

    api_version: str
    name: str
    """As in `kind`."""
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """Where objects of the kind are, or one of them. Raises `ClusterRefused` where a name would lead anywhere else."""
        parts = [root_of(self.api_version)]
        if self.namespaced:
            parts += ["namespaces", _segment(namespace)]
        parts.append(self.plural)
        if name:
            parts.append(_segment(name))
        return "/".join(parts)


def group_of(api_version: str) -> str:
    """The group of an `apiVersion`; empty for the core group."""
    return api_version.rpartition("/")[0]


def root_of(api_version: str) -> str:
    """Where an `apiVersion` is served. Raises `UnknownKind` where it is none: as a path it would lead somewhere else."""
    if not _API_VERSION.fullmatch(api_version):
        raise UnknownKind(f"{api_version!r} is no apiVersion; expected such as v1 or apps/v1", status=404, reason="UnknownKind")
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def _segment(name: str) -> str:
    """`name` as one step of a path. Semantics: what the API server takes for a name, `ValidatePathSegmentName`.

    Names may come from events, and to whoever reads a path `..` and an escaped slash mean another object than the one that
    was judged.
    """
    if name in (".", "..") or "/" in name or "%" in name:
        raise ClusterRefused(f"{name!r} is no name that an object can have: '.', '..', and any '/' or '%' are not", status=400)
    return quote(name, safe="")


class _Served(NamedTuple):
    kinds: Mapping[str, Kind]
    at: float


class Discovery:
    """Finds kinds, one document for each `apiVersion`."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._served: dict[str, _Served] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def find(self, api_version: str, kind: str) -> Kind:
        """The kind. Raises `UnknownKind`, and what fetching raises."""
        served = self._served.get(api_version)
        if served is None or kind not in served.kinds or _age(served) > FRESH_S:
            served = await self._ask(api_version, served, MISS_S if served is not None and kind not in served.kinds else FRESH_S)
        found = served.kinds.get(kind)
        if found is None:
            raise UnknownKind(_unknown(api_version, kind, served.kinds), status=404, reason="UnknownKind")
        return found

    def forget(self, api_version: str) -> None:
        """Ask again at the next use: the cluster says that what was remembered is no longer so."""
        self._served.pop(api_version, None)

    async def _ask(self, api_version: str, known: _Served | None, old_s: float) -> _Served:
        root = root_of(api_version)
        async with self._asking.setdefault(api_version, asyncio.Lock()):
            served = self._served.get(api_version)
            if served is not None and (served is not known or _age(served) <= old_s):
                return served  # somebody else has asked meanwhile, or it was a moment ago
            try:
                document = await self._fetch(root, f"look up the kinds of {api_version}")
            except NotFound:
                document = {}
            served = self._served[api_version] = _Served(_kinds(api_version, document), time.monotonic())
            return served


def _age(served: _Served) -> float:
    return time.monotonic() - served.at


def _kinds(api_version: str, document: Mapping[str, Any]) -> Mapping[str, Kind]:
    listed = document.get("resources") or ()
    return {
        entry["kind"]: Kind(api_version, entry["kind"], name, bool(entry.get("namespaced")))
        for entry in listed
        if "/" not in (name := str(entry.get("name")))  # a part of another kind, such as its status
    }


def _unknown(api_version: str, kind: str, served: Mapping[str, Kind]) -> str:
    if not served:
        return f"the cluster does not serve {api_version!r}; is its custom resource definition installed?"
    return f"the cluster serves no kind {kind!r} in {api_version!r}{did_you_mean(kind, served)}"
