"""A double of a provider of hooks, and what a test needs of a source that keeps hooks there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from http_rig import KnownValues

from eventbus.event import Road
from manifests.objects import Dialect
from sources.http.hooked import HookedSource
from sources.source import SourceContext
from sources.state import MemoryStore, SourceState

TOKEN, SECRET = "glpat-secret", "hook-secret"
REF, HUB = {"name": "token", "key": "k"}, {"name": "hub", "key": "k"}
URL = "https://tocsin.example.net/push"


class Provider:
    """Collections of hooks by path."""

    def __init__(self) -> None:
        self.hooks: dict[str, list[dict[str, Any]]] = {}
        self.calls: list[str] = []
        self.answered: list[str] = []
        self.more = asyncio.Event()
        self.pause: str | None = None
        self.refusal: tuple[int, dict[str, str], str] | None = None
        """What every call is answered instead: status, headers, text."""
        self.moved: dict[str, str] = {}
        """What a path begins with, and where what is below it is now."""
        self.base = ""
        self.page = 2

    async def answer(self, request: web.Request) -> web.Response:
        """Answer, and note it."""
        answer = await self.answer_to(request)
        self.answered.append(f"{request.method} {request.raw_path}")
        self.more.set()
        return answer

    async def answer_to(self, request: web.Request) -> web.Response:
        """Answer as both providers do."""
        path = request.raw_path.partition("?")[0]
        self.calls.append(f"{request.method} {path}")
        if TOKEN not in (request.headers.get("PRIVATE-TOKEN"), request.headers.get("Authorization", "").removeprefix("token ")):
            return web.json_response({"message": "Bad credentials"}, status=401)
        if self.pause is not None:
            return web.json_response({}, status=429, headers={"Retry-After": self.pause})
        for old, new in self.moved.items():
            if path.startswith(old):
                return web.json_response({}, status=301, headers={"Location": new + request.raw_path.removeprefix(old)})
        if self.refusal is not None:
            status, headers, text = self.refusal
            return web.Response(status=status, headers=headers, text=text)
        place, _, last = path.rpartition("/")
        if last == "hooks":
            if path not in self.hooks:
                return web.json_response({"message": "Not Found"}, status=404)
            return self.listed(request, path) if request.method == "GET" else self.created(path, await request.json())
        hook = next(hook for hook in self.hooks[place] if str(hook["id"]) == last)
        if request.method == "DELETE":
            self.hooks[place].remove(hook)
            return web.Response(status=204)
        hook.update(await request.json())
        return web.json_response({})

    async def seen(self, call: str) -> None:
        """Return once `call` was answered."""
        while not any(one == call for one in self.answered):
            self.more.clear()
            await self.more.wait()

    def listed(self, request: web.Request, path: str) -> web.Response:
        """One page, with a link to the next."""
        at = int(request.query.get("page", "0")) * self.page
        link = f'<{self.base}{path}?page={at // self.page + 1}>; rel="next"'
        headers = {"Link": link} if at + self.page < len(self.hooks[path]) else {}
        return web.json_response(self.hooks[path][at : at + self.page], headers=headers)

    def created(self, path: str, body: dict[str, Any]) -> web.Response:
        """A new hook; 422 where its URL has one."""
        if any(url_of(hook) == url_of(body) for hook in self.hooks[path]):
            return web.json_response({"message": "Hook already exists on this repository"}, status=422)
        self.hooks[path].append({"id": 100 + len(self.hooks[path]), **body})
        return web.json_response({}, status=201)


def url_of(hook: dict[str, Any]) -> object:
    return hook.get("url") or hook.get("config", {}).get("url")


@contextlib.asynccontextmanager
async def provider() -> AsyncIterator[Provider]:
    double = Provider()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", double.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        double.base = "http://{}:{}".format(*runner.addresses[0][:2])
        yield double
    finally:
        await runner.cleanup()


class Told:
    """What the source said last, as a fact to wait for."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[str] = asyncio.Queue(maxsize=100)
        self.store = MemoryStore()

    def context(self, values: KnownValues, **given: Any) -> SourceContext:
        road = Road("default", "git", "push")
        state = SourceState.of(road, self.store)
        return SourceContext(road=road, dialect=Dialect.ARGO, values=values, tell=self.said.put_nowait, state=state, **given)


async def one_pass(source: HookedSource[Any], told: Told) -> str:
    """Run until the source has said how its first pass went."""
    task = asyncio.create_task(source.run(None))  # type: ignore[arg-type]
    try:
        async with asyncio.timeout(10):
            return await told.said.get()
    finally:
        task.cancel()
        await asyncio.wait([task])
