"""Running `git` with nothing of its user: no configuration, no prompts, no helpers, one protocol, bounded time and size."""

import asyncio
import contextlib
import os
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path

from sensors.artifacts.content import MAX_BYTES
from sensors.artifacts.git_login import Login
from sensors.artifacts.git_ssh import NOT_KNOWN_HOST, ssh_command
from sensors.artifacts.git_target import HTTP, GitTarget

TIMEOUT_S = 45.0
MAX_FILE_BLOCKS = 256 * 2048
"""No file that is fetched grows above 256 MiB (in blocks of 512 bytes)."""
MAX_MEMORY_KIB = 3 << 20
"""Of addresses, for `git` and what it starts, each."""
_LONGEST = 300
_SAID_BYTES = 64 * 1024
"""Of what it says, the start is kept; a server can say anything, and as much as it likes."""
_REFUSALS = {
    "could not read Username": "the server asks for a login; give creds that it accepts",
    "could not read Password": "the server asks for a login; give creds that it accepts",
    "Authentication failed": "the server does not accept the login",
    "Permission denied (": "the server does not accept the key; check sshKeySecret",
}
"""What says that a login is missing or wrong, and what to do."""
_WORDS = {
    **_REFUSALS,
    "git: not found": "the program git is not installed",
    "cannot run ssh": "the program ssh is not installed",
    "Host key verification failed": NOT_KNOWN_HOST,
}


class GitFailed(Exception):
    """`git` could not do it; the message is what it said."""

    def __init__(self, message: str, *, login: bool = False) -> None:
        super().__init__(message)
        self.login = login
        """Whether the server wants another login."""


class GitProgram:
    """`git` in a folder of its own."""

    def __init__(self, folder: Path, environment: dict[str, str], secrets: Sequence[str]) -> None:
        self._folder = folder
        self._environment = environment
        self._secrets = secrets

    async def run(self, *words: str) -> bytes:
        """What it prints. Raises `GitFailed`. If cancelled, it is ended."""
        limits = f"ulimit -f {MAX_FILE_BLOCKS}; ulimit -v {MAX_MEMORY_KIB}"
        limited = ["/bin/sh", "-c", f'{limits}; exec git "$@"', "git", *words]
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
                out, said, _ = await asyncio.gather(
                    _start_of(process.stdout, MAX_BYTES), _start_of(process.stderr, _SAID_BYTES), process.wait()
                )
        except TimeoutError as exc:
            raise GitFailed(f"no answer within {TIMEOUT_S:g}s") from exc
        finally:
            await _end(process)
        if process.returncode:
            raise self._failure(said)
        return out

    def _failure(self, said: bytes) -> GitFailed:
        lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
        for sign, words in _WORDS.items():
            if any(sign in line for line in lines):
                return GitFailed(words, login=sign in _REFUSALS)
        text = next((line for line in lines if line.startswith("fatal:")), lines[-1] if lines else "it failed")
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return GitFailed("".join(char if char.isprintable() else " " for char in text)[:_LONGEST])


@contextlib.contextmanager
def git_program(target: GitTarget, addresses: Sequence[str], login: Login) -> Iterator[GitProgram]:
    """`git` for `target` alone, whose `addresses` were found to be allowed. Nothing is left of it after the block."""
    with tempfile.TemporaryDirectory(prefix="tocsin-git-") as name, ssh_command(Path(name), target, addresses, login) as ssh:
        basic = b64encode(f"{login.user}:{login.password}".encode()).decode() if login.user or login.password else ""
        secrets = [secret for secret in (login.password, login.key, basic) if secret]
        settings = _settings(target, addresses, basic)
        yield GitProgram(Path(name), _environment(Path(name), settings, ssh), secrets)


def _settings(target: GitTarget, addresses: Sequence[str], basic: str) -> dict[str, str]:
    settings = {"protocol.allow": "never", f"protocol.{target.scheme}.allow": "always", "http.followRedirects": "false"}
    settings |= {"core.hooksPath": "/dev/null", "credential.helper": "", "core.fsmonitor": "false", "gc.auto": "0"}
    # One file whose size is bounded, instead of many; what is large is not held in memory; no thread for each core.
    settings |= {"fetch.unpackLimit": "1", "core.bigFileThreshold": "4m", "pack.threads": "1"}
    if basic:
        settings[f"http.{target.url}.extraHeader"] = f"Authorization: Basic {basic}"
    if target.scheme in HTTP and ":" not in target.host:
        # Not to be resolved again: the name may mean another address by then.
        settings["http.curloptResolve"] = f"{target.host}:{target.at}:{','.join(addresses)}"
    return settings


def _environment(folder: Path, settings: dict[str, str], ssh: str) -> dict[str, str]:
    """All that `git` sees. Secrets go by the environment and a file of ours, never by the command line."""
    numbered = {f"GIT_CONFIG_KEY_{n}": key for n, key in enumerate(settings)}
    numbered |= {f"GIT_CONFIG_VALUE_{n}": value for n, value in enumerate(settings.values())}
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(folder),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_SSH_COMMAND": ssh,
        "GIT_SSH_VARIANT": "ssh",
        "GIT_CONFIG_COUNT": str(len(settings)),
        **numbered,
    }


async def _start_of(stream: asyncio.StreamReader | None, most: int) -> bytes:
    """Up to `most` bytes; the rest is read and thrown away, so that whoever writes goes on."""
    kept = bytearray()
    while stream is not None and (more := await stream.read(64 * 1024)):
        kept += more[: most - len(kept)]
    return bytes(kept)


async def _end(process: asyncio.subprocess.Process) -> None:
    """End it and all that it started."""
    if process.returncode is None:
        try:
            os.killpg(process.pid, 9)
        except ProcessLookupError:
            return
        await process.wait()
