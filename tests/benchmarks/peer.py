"""The peer: a plain aiohttp handler that reads the body and only answers 200. Event loop and GC as in the service."""

import argparse
import asyncio
import gc

import uvloop
from aiohttp import web


async def answer(request: web.Request) -> web.Response:
    """Take the body and say yes."""
    await request.read()
    return web.Response(text="ok")


async def serve(port: int) -> None:
    """Serve until killed."""
    app = web.Application()
    app.router.add_post("/push", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))
