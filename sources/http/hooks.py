"""Keeps the hooks at a provider equal to what is declared: one for each repository, project or organisation."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import msgspec
import structlog

from sources.http.provider_api import (
    Authority,
    Busy,
    HookProblem,
    Json,
    NoSuchPlace,
    NotAuthorised,
    ProviderApi,
    paused_s,
    provider_api,
)
from sources.source import SourceContext

logger = structlog.get_logger(__name__)

CHECK_EVERY_S = 60.0
"""Between two looks at the hooks, and between tries after a failure, unless the provider asks for longer."""
_RECORD = "hooks"


class Hook(msgspec.Struct, frozen=True, order=True, array_like=True):
    """One hook that we registered, or are about to."""

    base: str
    place: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """The hooks of one source at one provider."""

    base: str
    """Of the API, without a slash at its end."""
    headers: Mapping[str, str] = field(repr=False)
    """Credentials and the like."""
    places: Sequence[str]
    """Paths of the collections of hooks, such as `/repos/shop/web/hooks`."""
    url: str
    """Where hooks send to; by it an existing one is known to be ours."""
    body: Json = field(repr=False)
    """What a hook is created and updated with."""
    update: str
    """The method that updates one."""
    url_of: Callable[[Json], object]
    """The URL of a hook as the provider lists it."""
    differs: Callable[[Json, Json], bool]
    """Whether a listed hook visibly differs from `body`."""
    page_query: str = "per_page=100"
    """What asks for long pages."""
    id_key: str = "id"
    """By which name a listed hook has its id."""
    authority: Authority | None = field(default=None, repr=False)
    """Credentials that have to be asked for; beside `headers`."""
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    """For calls of the API, where it is not the usual one."""
    every_s: float = CHECK_EVERY_S
    """Between two looks."""
    listings: Sequence[str] = ()
    """Paths of collections of repositories, each of which has hooks: what is in them is looked up each time."""
    place_of: Callable[[str, Json], str | None] = lambda listing, row: None
    """Of a listing and one of its rows, the path of that repository's hooks."""

    def covers(self, place: str) -> bool:
        """Whether a hook at `place` is, or may be, one of these."""
        return place in self.places or any(place.startswith(f"{listing}/") for listing in self.listings)


def events_differ(hook: Json, wanted: Json) -> bool:
    """Whether a listed hook is for other events than `wanted`, or is switched otherwise; what most providers let see."""
    events = hook.get("events")
    return hook.get("active") != wanted["active"] or not isinstance(events, list) or sorted(events) != wanted["events"]


class HookKeeper:
    """Registers, updates and deletes hooks. Finding before creating makes each pass safe to repeat.

    What was registered is remembered, so that a hook that is wanted no more is found and deleted, after restarts too.
    """

    def __init__(self, hooks: Callable[[], Hooks], context: SourceContext) -> None:
        self._hooks, self._context = hooks, context
        self._sent: dict[str, Json] = {}
        self._complained: set[Hook] = set()
        self._doubled: set[str] = set()

    async def run(self) -> None:
        """Look at the hooks now and every minute, until cancelled; say what cannot be done, and try again."""
        while True:
            pause_s, problems = CHECK_EVERY_S, ""
            try:
                hooks = self._hooks()
                problems = "; ".join(await self._look(hooks))
                pause_s = max(hooks.every_s, paused_s(hooks.base))
            except HookProblem as exc:
                problems = str(exc)
            self._context.tell(f"hooks are not registered: {problems}" if problems else "")
            await asyncio.sleep(pause_s)

    async def delete(self, others: Iterable[Hooks]) -> None:
        """Delete the hooks that are ours, but for those that `others` keep. Raises `HookProblem` where some are left."""
        try:
            hooks, kept = self._hooks(), list(others)
        except HookProblem as exc:
            raise HookProblem(f"{exc}; {_named(await self._remembered())}") from exc
        known = {hook for hook in await self._remembered() if hook.base == hooks.base}
        known |= {Hook(hooks.base, place, hooks.url) for place in hooks.places}
        ours = [hook for hook in sorted(known) if not any(_keeps(other, hook) for other in kept)]
        problems: list[str] = []
        async with self._opened(hooks) as api:
            for hook in ours:
                try:
                    await _delete(api, hooks, hook)
                except NoSuchPlace:
                    continue
                except Busy as exc:
                    raise HookProblem("; ".join([*problems, str(exc)])) from exc
                except HookProblem as exc:
                    problems.append(str(exc))
        if problems:
            raise HookProblem("; ".join([*problems, _named(ours)]))
        # What is at another provider is that of an event that took the name.
        await self._remember(frozenset(hook for hook in await self._remembered() if hook.base != hooks.base))

    def _opened(self, hooks: Hooks) -> "contextlib.AbstractAsyncContextManager[ProviderApi]":
        return provider_api(hooks.base, hooks.headers, authority=hooks.authority, tls=hooks.tls)

    async def _look(self, hooks: Hooks) -> list[str]:
        """One pass: what is wanted is there afterwards, and what is not wanted any more is gone. Returns what is wrong."""
        problems: list[str] = []
        try:
            async with self._opened(hooks) as api:
                places = [*hooks.places, *await self._listed(api, hooks, problems)]
                known_all = not problems
                for place in dict.fromkeys(places):
                    try:
                        await self._keep(api, hooks, place)
                    except (Busy, NotAuthorised):
                        raise
                    except HookProblem as exc:
                        problems.append(str(exc))
                if known_all:
                    await self._tidy(api, hooks, frozenset(places))
        except NotAuthorised as exc:
            if hooks.authority is not None:
                hooks.authority.refused()
            problems.append(str(exc))
        except Busy as exc:
            problems.append(str(exc))
        return problems

    async def _listed(self, api: ProviderApi, hooks: Hooks, problems: list[str]) -> list[str]:
        found: list[str] = []
        for listing in hooks.listings:
            try:
                rows = await api.rows(listing, hooks.page_query)
            except (Busy, NotAuthorised):
                raise
            except HookProblem as exc:
                problems.append(str(exc))
            else:
                found += [place for row in rows if (place := hooks.place_of(listing, row)) is not None]
        return found

    async def _keep(self, api: ProviderApi, hooks: Hooks, place: str) -> None:
        ours = [hook for hook in await api.rows(place, hooks.page_query) if hooks.url_of(hook) == hooks.url]
        # Remembered first: a crash in between leaves a hook that is known, not one that is forgotten.
        await self._remember(await self._remembered() | {Hook(hooks.base, place, hooks.url)})
        ours.sort(key=lambda hook: hooks.differs(hook, hooks.body))
        if not ours:
            await api.call("POST", place, hooks.body)
        # Secrets are not listed: what this process has not sent yet is sent once, whatever is visible.
        elif self._sent.get(place) != hooks.body or hooks.differs(ours[0], hooks.body):
            await api.call(hooks.update, _one(hooks, place, ours[0]), hooks.body)
        self._sent[place] = hooks.body
        self._say_doubled(place, len(ours), hooks.url)

    def _say_doubled(self, place: str, count: int, url: str) -> None:
        """Say once that what happens at `place` is sent several times; hooks that somebody else made are not ours to delete."""
        if count < 2 or place in self._doubled:
            return
        self._doubled.add(place)
        hint = "each makes an event of its own of the same push; delete all but one there"
        logger.warning("hooks_doubled", source=str(self._context.road), place=place, url=url, hooks=count, hint=hint)

    async def _tidy(self, api: ProviderApi, hooks: Hooks, places: frozenset[str]) -> None:
        """Delete what was registered for places that are listed no more, or for another URL. What cannot be deleted is said
        once, and tried again: the source takes everything in all the same.
        """
        remembered = await self._remembered()
        for hook in sorted(remembered):
            if hook.place in places and (hook.base, hook.url) == (hooks.base, hooks.url):
                continue
            try:
                if hook.base != hooks.base:
                    raise NoSuchPlace(f"{hook.place}: is at {hook.base}, for which there are no credentials any more")
                await _delete(api, hooks, hook)
                logger.info("hook_deleted", source=str(self._context.road), place=hook.place)
            except Busy:
                raise
            except NoSuchPlace as exc:
                logger.warning("hook_given_up", source=str(self._context.road), reason=str(exc))
            except HookProblem as exc:
                if hook not in self._complained:
                    self._complained.add(hook)
                    logger.warning("hook_left", source=str(self._context.road), reason=str(exc))
                continue
            self._sent.pop(hook.place, None)
            remembered -= {hook}
            await self._remember(remembered)

    async def _remembered(self) -> frozenset[Hook]:
        raw = await self._context.state.get(_RECORD)
        return frozenset() if raw is None else msgspec.json.decode(raw, type=frozenset[Hook])

    async def _remember(self, hooks: frozenset[Hook]) -> None:
        if hooks != await self._remembered():
            await self._context.state.put(_RECORD, msgspec.json.encode(sorted(hooks)))


def _keeps(other: Hooks, hook: Hook) -> bool:
    return (other.base, other.url) == (hook.base, hook.url) and other.covers(hook.place)


async def _delete(api: ProviderApi, hooks: Hooks, hook: Hook) -> None:
    for row in await api.rows(hook.place, hooks.page_query):
        if hooks.url_of(row) == hook.url:
            await api.call("DELETE", _one(hooks, hook.place, row))


def _named(hooks: Iterable[Hook]) -> str:
    """The hooks that may still be there, so that they can be found without us."""
    named = ", ".join(f"{hook.base}{hook.place} to {hook.url}" for hook in sorted(hooks))
    return f"these hooks may still be there: {named}" if named else "no hook of it is known"


def _one(hooks: Hooks, place: str, hook: Json) -> str:
    return f"{place}/{quote(str(hook.get(hooks.id_key)), safe='')}"
