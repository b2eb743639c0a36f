"""What the tests of Azure's triggers share: a door with TLS before the server that plays Azure, which has none."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

AMQPS = 5671
"""The one port on which Azure's libraries speak TLS."""


@contextlib.asynccontextmanager
async def tls_door(port: int, certificates: Path) -> AsyncIterator[None]:
    """Listens on 127.0.0.1 with the certificate `leaf.pem`, and passes everything on to `port`."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "leaf.pem", certificates / "leaf.key")
    passing: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        passing.add(task)
        behind, before = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_copied(reader, before))
                both.create_task(_copied(behind, writer))
        finally:
            passing.discard(task)
            for one in (before, writer):
                one.close()
                with contextlib.suppress(OSError):
                    await one.wait_closed()

    server = await _listening(connected, context)
    try:
        yield
    finally:
        server.close()
        for task in list(passing):
            task.cancel()
        await asyncio.gather(*passing, return_exceptions=True)


async def _listening(connected, context: ssl.SSLContext) -> asyncio.Server:  # type: ignore[no-untyped-def]
    """Perhaps another run of the tests holds the port for a moment."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(OSError):
                return await asyncio.start_server(connected, "127.0.0.1", AMQPS, ssl=context)
            await asyncio.sleep(0.1)


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()
