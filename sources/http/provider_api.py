"""Calls of a provider's API: pages, pauses that it asks for, and errors that say what to do and show no secret."""

import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping
from time import monotonic, time
from typing import Protocol

import aiohttp
import msgspec
from yarl import URL

CALL_TIMEOUT_S = 10.0
PAUSE_S = 60.0
"""After a refusal that names no time; doubled while it goes on."""
_LONGEST_ANSWER = 8 * 1024 * 1024
_MOST_PAGES = 50
_MOST_MOVES = 3
_LONGEST_PAUSE_S = 3600.0
_SECONDARY = b"secondary rate limit"

Json = Mapping[str, object]


class HookProblem(Exception):
    """Hooks cannot be kept at present. The message names the place and what to do; it has no secret."""


class Busy(HookProblem):
    """The provider asked for a pause, so that nothing more is sent to it."""


class NotAuthorised(HookProblem):
    """The credentials were refused."""


class NoSuchPlace(HookProblem):
    """There is nothing at the path, or nothing that the credentials may see."""


class Authority(Protocol):
    """Credentials that have to be asked for."""

    async def headers(self, api: "ProviderApi") -> Mapping[str, str]:
        """What says who is calling, asked for where what is known is about to expire. Raises `HookProblem`."""

    def refused(self) -> None:
        """Forget what is known: the provider did not accept it."""


_paused: dict[str, tuple[float, float]] = {}
"""By host of an API: monotonic seconds before which no source calls it, and the last pause that was not told, in seconds."""


def paused_s(base: str) -> float:
    """Seconds for which the API at `base` is left alone."""
    return max(0.0, _paused.get(URL(base).authority, (0.0, 0.0))[0] - monotonic())


class ProviderApi:
    """One API for the time of some calls."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session, self._base = session, base
        self._said: dict[str, str] = {}

    def authorise(self, headers: Mapping[str, str]) -> None:
        """Send `headers` from now on."""
        self._said.update(headers)

    async def rows(self, path: str, query: str) -> list[Json]:
        """All rows of one collection, page by page. Raises `HookProblem`."""
        found: list[Json] = []
        following: URL | None = URL(f"{self._base}{path}?{query}", encoded=True)
        for _ in range(_MOST_PAGES):
            if following is None:
                return found
            # A link to elsewhere must not get the token.
            if following.origin() != URL(self._base).origin():
                raise HookProblem(f"{path}: its next page is on another host")
            page, link = await self._call("GET", path, following, None, {})
            if isinstance(page, dict):  # both Bitbuckets have the rows and where it goes on inside
                link = _next_page(page, following)
                page = page.get("values")
            if not isinstance(page, list) or not all(isinstance(row, dict) for row in page):
                raise HookProblem(f"{path}: the answer is no list; check the base URL")
            found.extend(page)
            following = link
        raise HookProblem(f"{path}: has more than {_MOST_PAGES} pages")

    async def call(self, method: str, path: str, body: Json | None = None, headers: Mapping[str, str] | None = None) -> object:
        """Call once; return what is answered, or None where that is empty. Raises `HookProblem`."""
        answered, _ = await self._call(method, path, URL(f"{self._base}{path}", encoded=True), body, headers or {})
        return answered

    async def _call(
        self, method: str, path: str, url: URL, body: Json | None, headers: Mapping[str, str], *, moves: int = _MOST_MOVES
    ) -> tuple[object, URL | None]:
        if (left_s := paused_s(self._base)) > 0:
            raise Busy(f"{url.host} asked for a pause; called again in {left_s:.0f}s")
        try:
            async with self._session.request(
                method, url, json=body, headers={**self._said, **headers}, allow_redirects=False
            ) as answer:
                text = await _read(answer)
                if moves and (elsewhere := _moved(answer, url)) is not None:
                    return await self._call(method, path, elsewhere, body, headers, moves=moves - 1)
                _check(answer, text, self._base, f"{method} {path}")
                link = answer.links.get("next")
                following = URL(str(link["url"])) if link else None
                return (msgspec.json.decode(text) if text and answer.status != 204 else None), following
        except (aiohttp.ClientError, TimeoutError, msgspec.DecodeError, ValueError) as exc:
            raise HookProblem(f"{method} {path} at {url.host}: {type(exc).__name__}: {str(exc)[:200]}") from exc


@contextlib.asynccontextmanager
async def provider_api(
    base: str, headers: Mapping[str, str], *, authority: Authority | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[ProviderApi]:
    """The API at `base`, with credentials. Raises `HookProblem` where it is no URL or there are none."""
    if URL(base).scheme not in ("http", "https") or not URL(base).host:
        raise HookProblem("the base URL of the provider's API: expected one that starts with https://")
    connector = None if tls is None else aiohttp.TCPConnector(ssl=tls)
    timeout = aiohttp.ClientTimeout(CALL_TIMEOUT_S)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout, connector=connector) as session:
        api = ProviderApi(session, base)
        if authority is not None:
            api.authorise(await authority.headers(api))
        yield api


def _next_page(page: Json, at: URL) -> URL | None:
    if "next" in page:
        return URL(str(page["next"]))
    start = page.get("nextPageStart")
    if page.get("isLastPage") is False and isinstance(start, int):
        return at.update_query(start=start)
    return None


def _moved(answer: aiohttp.ClientResponse, asked: URL) -> URL | None:
    """Where a repository is now that was renamed or handed over; None on another host, which must not get the token.

    Semantics: GitHub, "Following redirects": the same request is made there.
    """
    location = answer.headers.get("Location")
    if answer.status not in (301, 302, 307, 308) or not location:
        return None
    elsewhere = asked.join(URL(location, encoded=True))
    return elsewhere if elsewhere.origin() == asked.origin() else None


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    text = b""
    while len(text) < _LONGEST_ANSWER and (more := await answer.content.read(_LONGEST_ANSWER - len(text))):
        text += more
    return text


def _check(answer: aiohttp.ClientResponse, text: bytes, base: str, what: str) -> None:
    status, host = answer.status, URL(base).authority
    if 200 <= status < 300 or (status == 404 and answer.method == "DELETE"):
        _paused.pop(host, None)
        return
    spent = status == 403 and (answer.headers.get("X-RateLimit-Remaining") == "0" or _SECONDARY in text.lower())
    if status == 429 or "Retry-After" in answer.headers or spent:
        pause_s = _pause_s(answer, host)
        raise Busy(f"{what}: answered {status}; called again in {pause_s:.0f}s")
    said = f"{what}: answered {status}"
    if status == 401:
        raise NotAuthorised(f"{said}; check the token")
    if status == 404:
        raise NoSuchPlace(f"{said}; no such place, or the token does not see it")
    if 300 <= status < 400:
        raise HookProblem(f"{said}; it has moved: write its new name, or the right base URL")
    raise HookProblem(f"{said}; the token may not do that there" if status == 403 else said)


def _pause_s(answer: aiohttp.ClientResponse, host: str) -> float:
    """Note how long the host is left alone, and return it: as long as it says, else longer each time."""
    _, last_s = _paused.get(host, (0.0, 0.0))
    after, reset = answer.headers.get("Retry-After", ""), answer.headers.get("X-RateLimit-Reset", "")
    untold_s = 0.0
    if after.isascii() and after.isdigit():
        pause_s = float(after)
    elif answer.headers.get("X-RateLimit-Remaining") == "0" and reset.isascii() and reset.isdigit():
        pause_s = float(reset) - time()
    else:
        pause_s = untold_s = min(2 * last_s, _LONGEST_PAUSE_S) or PAUSE_S
    pause_s = min(max(pause_s, 1.0), _LONGEST_PAUSE_S)
    _paused[host] = (monotonic() + pause_s, untold_s)
    return pause_s
