"""The NATS server, with JetStream; one without logins, one that wants TLS and a user, and one that wants a token."""

import os
import shutil
import sys
from pathlib import Path
from typing import Self

from servers.cache import Missing
from servers.certificates import make_certificates
from servers.process import Child, free_ports, listens

USER, PASSWORD, TOKEN = "alice", "wonder land", "t0ken"
MAX_MESSAGE_BYTES = 100_000
"""Larger messages are refused by the server."""


def fetch() -> str:
    """The program, which comes with the development dependencies. Raises `Missing`."""
    program = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
    if program is None:
        raise Missing("nats-server not found; it is among the development dependencies: make .venv/.dev")
    return program


class NatsServer:
    """Servers with their data in `folder`. Nobody may publish to `denied` and what is below it."""

    def __init__(self, folder: Path) -> None:
        import nkeys

        self._folder, self._program = folder, fetch()
        self._ports = dict(zip(("open", "secure", "token"), free_ports(3), strict=True))
        self.open_url, self.secure_url, self.token_url = (f"nats://127.0.0.1:{port}" for port in self._ports.values())
        self.certificates = make_certificates(folder)
        self.seed = nkeys.encode_seed(os.urandom(32), nkeys.PREFIX_BYTE_USER)
        """Of a user of `secure_url`, as text."""
        user = nkeys.from_seed(bytearray(self.seed)).public_key.decode()
        self._children: dict[str, Child] = {}
        tls = f'tls {{cert_file: "{folder}/leaf.pem", key_file: "{folder}/leaf.key"}}'
        users = 'users: [{user: any, password: any, permissions: {publish: {deny: ["denied", "denied.>"]}}}]'
        storing = [f'jetstream {{store_dir: "{folder}/js"}}', f"max_payload: {MAX_MESSAGE_BYTES}"]
        self._configure("open", *storing, "no_auth_user: any", f"authorization {{{users}}}")
        self._configure("secure", tls, f'authorization {{users: [{{user: {USER}, password: "{PASSWORD}"}}, {{nkey: {user}}}]}}')
        self._configure("token", f"authorization {{token: {TOKEN}}}")

    def start(self) -> Self:
        """Start them on their data, and return when they take connections. Does nothing where they run."""
        for name, port in self._ports.items():
            if name not in self._children:
                command = [self._program, "-c", str(self._folder / f"{name}.conf")]
                self._children[name] = child = Child(command, log=self._folder / f"{name}.log")
                child.wait_for(lambda port=port: listens(port), "NATS server")  # type: ignore[misc]
        return self

    def kill(self) -> None:
        """End them as a crash does; `start` brings them back with their data."""
        while self._children:
            self._children.popitem()[1].kill()

    def stop(self) -> None:
        """End them in order."""
        while self._children:
            self._children.popitem()[1].stop()

    def _configure(self, name: str, *lines: str) -> None:
        text = "\n".join([f"listen: 127.0.0.1:{self._ports[name]}", *lines])
        (self._folder / f"{name}.conf").write_text(f"{text}\n")
