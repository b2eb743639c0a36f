"""A registry of Avro schemas as Confluent's answers: schemas by id, with a login where one is set, and no other path."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"


class Registry:
    """Holds `schemas`; `user` and `password` empty: everybody may ask."""

    def __init__(self, schemas: dict[int, str], user: str = "", password: str = "") -> None:
        self.schemas = schemas
        self.extra: dict[int, dict[str, object]] = {}
        """What an answer holds beside the schema."""
        self.asked: list[str] = []
        self.broken = False
        self.url = ""
        self._login = base64.b64encode(f"{user}:{password}".encode()).decode() if user else ""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Registry"]:
        """Serve on a free port of loopback."""
        app = web.Application()
        app.router.add_get("/schemas/ids/{id}", self._answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        id = request.match_info["id"]
        self.asked.append(id)
        if self.broken:
            return web.Response(status=502, text="<html>bad gateway</html>")
        if self._login and request.headers.get("Authorization") != f"Basic {self._login}":
            return _json({"error_code": 401, "message": "Unauthorized"}, 401)
        if not id.isdigit() or int(id) not in self.schemas:
            return _json({"error_code": 40403, "message": f"Schema {id} not found"}, 404)
        return _json({"schema": self.schemas[int(id)], **self.extra.get(int(id), {})}, 200)


def _json(body: object, status: int) -> web.Response:
    return web.json_response(body, status=status, content_type=CONTENT_TYPE)
