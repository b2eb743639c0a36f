"""Running `git` with nothing of its user: no configuration, no prompts, no helpers, one protocol, bounded time and size."""

import asyncio
import os
import shlex
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from sensors.artifacts.git_target import GitTarget

TIMEOUT_S = 45.0
MAX_FILE_BLOCKS = 256 * 2048
"""No file that is fetched grows above 256 MiB (in blocks of 512 bytes)."""
_LONGEST = 300
_PORTS = {"http": 80, "https": 443}


class GitFailed(Exception):
    """`git` could not do it; the message is what it said."""


class Login(NamedTuple):
    """How to log in. It never prints what is secret."""

    user: str = ""
    password: str = ""
    key: str = ""
    """A private key for SSH, as text."""
    any_host: bool = False
    """Whether a host is taken for who it says it is."""

    def __repr__(self) -> str:
        return "Login(***)"


class GitProgram:
    """`git` in a folder of its own."""

    def __init__(self, folder: Path, target: GitTarget, addresses: Sequence[str], login: Login) -> None:
        """`addresses` are those of the target that were found to be allowed."""
        self._folder = folder
        self._secrets = [secret for secret in (login.password, login.key) if secret]
        self._environment = _environment(folder, target, addresses, login)

    async def run(self, *words: str) -> bytes:
        """What it prints. Raises `GitFailed`. If cancelled, it is ended."""
        limited = ["/bin/sh", "-c", f'ulimit -f {MAX_FILE_BLOCKS}; exec git "$@"', "git", *words]
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                *limited,
                cwd=self._folder,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
                start_new_session=True,
            )
        except OSError as exc:
            raise GitFailed(f"git cannot be run: {exc.strerror}") from exc
        try:
            async with asyncio.timeout(TIMEOUT_S):
                out, said = await process.communicate()
        except TimeoutError as exc:
            raise GitFailed(f"no answer within {TIMEOUT_S:g}s") from exc
        finally:
            await _end(process)
        if process.returncode:
            raise GitFailed(self._plainly(said))
        return out

    def _plainly(self, said: bytes) -> str:
        lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
        if any(line.endswith("git: not found") for line in lines):
            return "the program git is not installed"
        if any("could not read Username" in line or "could not read Password" in line for line in lines):
            return "the server asks for a login; give creds that it accepts"
        text = next((line for line in lines if line.startswith("fatal:")), lines[-1] if lines else "it failed")
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:_LONGEST]


def _environment(folder: Path, target: GitTarget, addresses: Sequence[str], login: Login) -> dict[str, str]:
    """All that `git` sees. Secrets go by the environment and a file of ours, never by the command line."""
    settings = {"protocol.allow": "never", f"protocol.{target.scheme}.allow": "always", "http.followRedirects": "false"}
    settings |= {"core.hooksPath": "/dev/null", "credential.helper": "", "core.fsmonitor": "false"}
    if login.user or login.password:
        basic = b64encode(f"{login.user}:{login.password}".encode()).decode()
        settings[f"http.{target.url}.extraHeader"] = f"Authorization: Basic {basic}"
    if target.scheme in _PORTS and ":" not in target.host:
        # Not to be resolved again: the name may mean another address by then.
        port = target.port or _PORTS[target.scheme]
        settings["http.curloptResolve"] = f"{target.host}:{port}:{','.join(addresses)}"
    numbered = {f"GIT_CONFIG_KEY_{n}": key for n, key in enumerate(settings)}
    numbered |= {f"GIT_CONFIG_VALUE_{n}": value for n, value in enumerate(settings.values())}
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(folder),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": _ssh(folder, login),
        "GIT_CONFIG_COUNT": str(len(settings)),
        **numbered,
    }


def _ssh(folder: Path, login: Login) -> str:
    words = ["ssh", "-F", "/dev/null", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ProxyCommand=none"]
    if login.any_host:
        words += ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    else:
        words += ["-o", "StrictHostKeyChecking=yes"]
    if login.key:
        path = folder / "key"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(login.key.rstrip("\n") + "\n")
        words += ["-o", "IdentitiesOnly=yes", "-i", str(path)]
    return shlex.join(words)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End it and all that it started."""
    if process.returncode is None:
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            return
        await process.wait()
