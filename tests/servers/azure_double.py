"""A small AMQP 1.0 server that does what Azure's messaging does beyond the protocol: `azure_double.py PORT FOLDER`.

Signed tokens are put to `$cbs`. What comes is written to `FOLDER/taken.jsonl`.
How an entity behaves is in its name. It runs on Apache Qpid Proton, whose code is not that of the client under test.
"""

import base64
import hashlib
import hmac
import json
import socket
import sys
import time
import uuid
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from azure_facts import HANGUP, ISSUER_ONLY, KEY, KEY_NAME, LARGEST_BYTES, REFUSED_LINKS, REFUSED_MESSAGES, SILENT
from azure_padding import pad_in_background
from proton import Condition, Delivery, Described, Link, Message, Terminus, int32, ulong
from proton.handlers import MessagingHandler
from proton.reactor import Container

CBS = "$cbs"


class Double(MessagingHandler):
    """Takes messages, and remembers who may do what on which connection."""

    def __init__(self, port: int, before: int, taken: Path) -> None:
        """Listens on `port`, and the padding on `before`."""
        super().__init__(prefetch=100, auto_accept=False)
        self._port, self._before = port, before
        self._taken = taken.open("a")
        self._answering: dict[Any, Any] = {}
        """The link of each connection on which tokens are answered."""
        self._granted: dict[Any, dict[str, str]] = {}
        """Who said that they are whom, by connection and audience."""
        self._refused: dict[Link, Condition] = {}
        self._seen: set[tuple[str, object]] = set()

    def on_start(self, event: Any) -> None:
        event.container.listen(f"127.0.0.1:{self._port}")
        pad_in_background(self._before, self._port)

    def on_link_opening(self, event: Any) -> None:
        link = event.link
        address = (link.remote_source if link.is_sender else link.remote_target).address or ""
        link.source.copy(link.remote_source)
        link.target.copy(link.remote_target)
        if address == CBS:
            if link.is_sender:
                self._answering[event.connection] = link
        elif (refusal := self._refusal(event.connection, address)) is not None:
            link.target.type = Terminus.UNSPECIFIED  # it closes at once, and says why
            self._refused[link] = Condition(*refusal)
        else:
            link.max_message_size = ulong(LARGEST_BYTES)

    def on_link_opened(self, event: Any) -> None:
        if (why := self._refused.pop(event.link, None)) is not None:
            event.link.condition = why
            event.link.close()

    def on_message(self, event: Any) -> None:
        address = event.link.remote_target.address
        if address == CBS:
            self._answer(event, self._put_token(event))
        else:
            self._take(event, address)

    def on_connection_closed(self, event: Any) -> None:
        self._forget(event.connection)

    def on_disconnected(self, event: Any) -> None:
        self._forget(event.connection)

    def _refusal(self, connection: Any, address: str) -> tuple[str, str] | None:
        name = _entity(address)
        granted = self._granted.get(connection, {})
        who = next((who for audience, who in granted.items() if _entity(audience) == name), None)
        if who is None:
            return "amqp:unauthorized-access", f"Unauthorized access. No token was put for {name}."
        if who == ISSUER_ONLY:
            return "amqp:unauthorized-access", "Unauthorized access. 'Send' claim(s) are required to perform this operation."
        return REFUSED_LINKS.get(name)

    def _put_token(self, event: Any) -> Message:
        asked = event.message
        audience, token = asked.properties["name"], asked.body
        if asked.properties["operation"] != "put-token" or (who := _signer(token, audience)) is None:
            return Message(
                properties={"status-code": int32(401), "status-description": "InvalidSignature: The token is invalid."}
            )
        self._granted.setdefault(event.connection, {})[audience] = who
        return Message(properties={"status-code": int32(202), "status-description": "Accepted"})

    def _answer(self, event: Any, answer: Message) -> None:
        event.delivery.update(Delivery.ACCEPTED)
        event.delivery.settle()
        answer.correlation_id = event.message.id
        self._answering[event.connection].send(answer, tag=uuid.uuid4().bytes)

    def _take(self, event: Any, address: str) -> None:
        name, message = _entity(address), event.message
        if len(message.encode()) > LARGEST_BYTES:
            event.link.condition = Condition("amqp:link:message-size-exceeded", "The message is too large.")
            event.link.close()
            return
        if name == HANGUP:
            event.transport.close_head()
            event.transport.close_tail()
            return
        if name in REFUSED_MESSAGES:
            event.delivery.local.condition = Condition(*REFUSED_MESSAGES[name], info={"com.microsoft:tracking-id": "t-1"})
            event.delivery.update(Delivery.REJECTED)
            event.delivery.settle()
            return
        if name.startswith(SILENT):
            self._note(address, message)
            return
        repeat = name == "once" and (name, message.id) in self._seen
        self._seen.add((name, message.id))
        if not repeat:
            self._note(address, message)
        event.delivery.update(Delivery.ACCEPTED)
        event.delivery.settle()

    def _note(self, address: str, message: Message) -> None:
        self._taken.write(json.dumps(shown(address, message), default=str) + "\n")
        self._taken.flush()

    def _forget(self, connection: Any) -> None:
        self._granted.pop(connection, None)
        self._answering.pop(connection, None)


def _entity(address: str) -> str:
    """The name of the queue, topic or hub."""
    path = address.partition("://")[2].partition("/")[2] if "://" in address else address
    return path.strip("/").split("/")[0]


def _signer(token: str, audience: str) -> str | None:
    """Whose key signed `token` for `audience`; None where none did."""
    kind, _, fields = token.partition(" ")
    given = {name: values[0] for name, values in parse_qs(fields).items()}
    resource = quote(given.get("sr", ""), safe="")
    signed = hmac.new(KEY.encode(), f"{resource}\n{given.get('se')}".encode(), hashlib.sha256).digest()
    right = hmac.compare_digest(base64.b64encode(signed).decode(), given.get("sig", ""))
    fresh = float(given.get("se", "0")) > time.time()
    known = given.get("skn") in (KEY_NAME, ISSUER_ONLY)
    return given["skn"] if kind == "SharedAccessSignature" and right and fresh and known and given["sr"] == audience else None


def shown(address: str, message: Message) -> dict[str, object]:
    body = message.body
    if isinstance(body, Described):
        body = body.value
    annotations = {str(name): value for name, value in (message.annotations or {}).items()}
    return {
        "entity": _entity(address),
        "address": address,
        "id": message.id,
        "correlation": message.correlation_id,
        "type": message.content_type,
        "properties": {str(name): value for name, value in (message.properties or {}).items()},
        "annotations": annotations,
        "body": base64.b64encode(bytes(body)).decode() if isinstance(body, bytes | bytearray | memoryview) else str(body),
    }


if __name__ == "__main__":
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        inner = probe.getsockname()[1]
    Container(Double(inner, int(sys.argv[1]), Path(sys.argv[2]) / "taken.jsonl")).run()
