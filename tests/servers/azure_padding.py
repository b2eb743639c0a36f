"""Frames of AMQP 1.0 with all their fields, as Azure writes them: fields at the end that are not set may be left out, and its
client for Event Hubs cannot read such frames.
"""

import asyncio
import contextlib
from threading import Thread

# Fields of each performative: AMQP 1.0, part 2, section 2.7.
_FIELDS = {0x10: 10, 0x11: 8, 0x12: 14, 0x13: 11, 0x14: 11, 0x15: 6, 0x16: 3, 0x17: 1, 0x18: 1}
_LIST_0, _LIST_8, _LIST_32, _NULL = 0x45, 0xC0, 0xD0, b"\x40"
_HEADER = b"AMQP"


def padded(frame: bytes) -> bytes:
    """`frame` with every field of its performative."""
    start = 4 * frame[4]
    if frame[5] != 0 or len(frame) == start:  # of SASL, or empty
        return frame
    code, kind = frame[start + 2], frame[start + 3]
    at = start + 4
    if kind == _LIST_0:
        count, items, rest = 0, b"", frame[at:]
    else:
        width = 1 if kind == _LIST_8 else 4
        size, count = (int.from_bytes(frame[at + width * n : at + width * (n + 1)]) for n in range(2))
        end = at + width + size
        items, rest = frame[at + 2 * width : end], frame[end:]
    missing = max(0, _FIELDS.get(code, 0) - count)
    items += missing * _NULL
    whole = bytes([_LIST_32]) + (len(items) + 4).to_bytes(4) + (count + missing).to_bytes(4) + items + rest
    body = frame[4 : start + 3] + whole
    return (len(body) + 4).to_bytes(4) + body


def pad_in_background(port: int, behind: int) -> None:
    """Listen on `port` from now on, and pass everything on to `behind`, its frames padded."""
    Thread(target=asyncio.run, args=(_serve(port, behind),), daemon=True).start()


async def _serve(port: int, behind: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", behind)
        await asyncio.gather(_copied(reader, far_writer), _copied_padded(far_reader, writer))

    server = await asyncio.start_server(connected, "127.0.0.1", port)
    await server.serve_forever()


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def _copied_padded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        while True:
            head = await reader.readexactly(8)
            if not head.startswith(_HEADER):
                head = padded(head + await reader.readexactly(int.from_bytes(head[:4]) - 8))
            writer.write(head)
            await writer.drain()
    writer.close()
