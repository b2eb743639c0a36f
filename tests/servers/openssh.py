"""OpenSSH's server, for the user who runs the tests: one who may log in with the key `user`, and nobody else."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Self

from servers.cache import Missing, need
from servers.process import Child, Server, free_ports, listens


def fetch() -> str:
    """The program. Raises `Missing`."""
    need(["ssh", "ssh-keygen"], packages="openssh-client")
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        raise Missing("sshd not found; on Debian and Ubuntu: apt-get install openssh-server")
    return program


class SshServer(Server):
    """A server with its keys in `folder`: `user`, `other` (which is not let in), `locked` (with a passphrase)."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._program = folder, fetch()
        (self.port,) = free_ports(1)
        self.user = pwd.getpwuid(os.getuid()).pw_name
        for name, passphrase in (("host", ""), ("user", ""), ("other", ""), ("locked", "word")):
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(folder / name)]
            subprocess.run(words, check=True, capture_output=True)
        shutil.copy(folder / "user.pub", folder / "authorized")
        lines = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": folder / "host",
            "AuthorizedKeysFile": folder / "authorized",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "PidFile": folder / "pid",
        }
        (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in lines.items()))

    def key(self, name: str) -> str:
        """A private key."""
        return (self._folder / name).read_text()

    def known(self, host: str, *, name: str = "host") -> str:
        """A line by which it is known as `host`, right for the key `host` alone."""
        kind, key, *_ = (self._folder / f"{name}.pub").read_text().split()
        return f"[{host}]:{self.port} {kind} {key}\n"

    def start(self) -> Self:
        """Start it, and return when it takes connections."""
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where the part of it that has no rights lives
        command = [self._program, "-D", "-e", "-f", str(self._folder / "sshd_config")]
        self._child = Child(command, log=self._folder / "sshd.log")
        self._child.wait_for(lambda: listens(self.port), "OpenSSH server")
        return self
