"""Keeps the hooks at a provider equal to what is declared: one for each repository, project or organisation."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

CHECK_EVERY_S = 60.0
"""Between two looks at the hooks, and between tries after a failure, unless the provider asks for longer."""
CALL_TIMEOUT_S = 10.0
_LONGEST_ANSWER = 8 * 1024 * 1024
_MOST_PAGES = 50
_LONGEST_PAUSE_S = 3600.0

Json = Mapping[str, object]


class HookProblem(Exception):
    """Hooks cannot be kept at present. The message names the place and what to do; it has no secret."""


class _Busy(HookProblem):
    """The provider asked for a pause, so that nothing more is sent to it."""


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


_paused_until: dict[str, float] = {}
"""By host of an API: monotonic seconds before which no source calls it, because it asked for a pause."""


class HookKeeper:
    """Registers, updates and deletes hooks. Finding before creating makes each pass safe to repeat."""

    def __init__(self, hooks: Callable[[], Hooks], tell: Callable[[str], None]) -> None:
        self._hooks, self._tell = hooks, tell
        self._sent: dict[str, Json] = {}

    async def run(self) -> None:
        """Look at the hooks now and every minute, until cancelled; say what cannot be done, and try again."""
        while True:
            pause_s, problems = CHECK_EVERY_S, ""
            try:
                hooks = self._hooks()
                problems = "; ".join(await self._pass(hooks, self._keep))
                pause_s = max(pause_s, _paused_s(hooks.base))
            except HookProblem as exc:
                problems = str(exc)
            self._tell(f"hooks are not registered: {problems}" if problems else "")
            await asyncio.sleep(pause_s)

    async def delete(self) -> None:
        """Delete the hooks that are ours. Raises `HookProblem` where some are left."""
        problems = await self._pass(self._hooks(), self._delete)
        if problems:
            raise HookProblem("; ".join(problems))

    async def _pass(self, hooks: Hooks, act: "Callable[[_Api, Hooks, str], Awaitable[None]]") -> list[str]:
        if URL(hooks.base).scheme not in ("http", "https") or not URL(hooks.base).host:
            raise HookProblem("the base URL of the provider's API: expected one that starts with https://")
        problems: list[str] = []
        async with aiohttp.ClientSession(headers=hooks.headers, timeout=aiohttp.ClientTimeout(CALL_TIMEOUT_S)) as session:
            for place in hooks.places:
                try:
                    await act(_Api(session, hooks.base), hooks, place)
                except _Busy as exc:
                    return [*problems, str(exc)]
                except HookProblem as exc:
                    problems.append(str(exc))
        return problems

    async def _keep(self, api: "_Api", hooks: Hooks, place: str) -> None:
        ours = [hook for hook in await api.listed(place, hooks.page_query) if hooks.url_of(hook) == hooks.url]
        if not ours:
            await api.call("POST", place, hooks.body)
        # Secrets are not listed: what this process has not sent yet is sent once, whatever is visible.
        elif self._sent.get(place) != hooks.body or hooks.differs(ours[0], hooks.body):
            await api.call(hooks.update, _one(hooks, place, ours[0]), hooks.body)
        self._sent[place] = hooks.body

    async def _delete(self, api: "_Api", hooks: Hooks, place: str) -> None:
        for hook in await api.listed(place, hooks.page_query):
            if hooks.url_of(hook) == hooks.url:
                await api.call("DELETE", _one(hooks, place, hook))


def _one(hooks: Hooks, place: str, hook: Json) -> str:
    return f"{place}/{quote(str(hook.get(hooks.id_key)), safe='')}"


class _Api:
    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session, self._base = session, base

    async def listed(self, place: str, query: str) -> list[Json]:
        """All hooks of one place, page by page."""
        found: list[Json] = []
        following: URL | None = URL(f"{self._base}{place}?{query}", encoded=True)
        for _ in range(_MOST_PAGES):
            if following is None:
                return found
            # A link to elsewhere must not get the token.
            if following.origin() != URL(self._base).origin():
                raise HookProblem(f"{place}: its next page is on another host")
            page, following = await self._call("GET", place, following, None)
            if isinstance(page, dict):  # Bitbucket Cloud has the rows and the link inside
                following = URL(str(page["next"])) if "next" in page else None
                page = page.get("values")
            if not isinstance(page, list) or not all(isinstance(hook, dict) for hook in page):
                raise HookProblem(f"{place}: the answer is no list of hooks; check the base URL")
            found.extend(page)
        raise HookProblem(f"{place}: has more than {100 * _MOST_PAGES} hooks")

    async def call(self, method: str, path: str, body: Json | None = None) -> None:
        """Change one hook."""
        await self._call(method, path, URL(f"{self._base}{path}", encoded=True), body)

    async def _call(self, method: str, path: str, url: URL, body: Json | None) -> tuple[object, URL | None]:
        if (left_s := _paused_s(self._base)) > 0:
            raise _Busy(f"{url.host} asked for a pause; called again in {left_s:.0f}s")
        try:
            async with self._session.request(method, url, json=body, allow_redirects=False) as answer:
                _check(answer, self._base, f"{method} {path}")
                text = await answer.content.read(_LONGEST_ANSWER) if answer.status == 200 else b""
                while text and not answer.content.at_eof() and len(text) < _LONGEST_ANSWER:
                    text += await answer.content.read(_LONGEST_ANSWER - len(text))
                link = answer.links.get("next")
                following = URL(str(link["url"])) if link else None
            return (msgspec.json.decode(text) if text else None), following
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError, ValueError) as exc:
            raise HookProblem(f"{method} {path} at {url.host}: {type(exc).__name__}: {str(exc)[:200]}") from exc


def _check(answer: aiohttp.ClientResponse, base: str, what: str) -> None:
    status = answer.status
    if 200 <= status < 300 or (status == 404 and answer.method == "DELETE"):
        return
    spent = answer.headers.get("X-RateLimit-Remaining") == "0"
    if status == 429 or "Retry-After" in answer.headers or (status == 403 and spent):
        pause_s = _asked_pause_s(answer)
        _paused_until[URL(base).authority] = time.monotonic() + pause_s
        raise _Busy(f"{what}: answered {status}; called again in {pause_s:.0f}s")
    hints = {
        401: "check the token",
        403: "the token may not manage hooks there",
        404: "no such place, or the token does not see it",
    }
    raise HookProblem(f"{what}: answered {status}" + (f"; {hints[status]}" if status in hints else ""))


def _asked_pause_s(answer: aiohttp.ClientResponse) -> float:
    after, reset = answer.headers.get("Retry-After", ""), answer.headers.get("X-RateLimit-Reset", "")
    asked_s = CHECK_EVERY_S
    if after.isascii() and after.isdigit():
        asked_s = float(after)
    elif reset.isascii() and reset.isdigit():
        asked_s = float(reset) - time.time()
    return min(max(asked_s, 1.0), _LONGEST_PAUSE_S)


def _paused_s(base: str) -> float:
    return max(0.0, _paused_until.get(URL(base).authority, 0.0) - time.monotonic())
