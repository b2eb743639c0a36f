"""Repositories, and the server that Git itself has for HTTP."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

JOB = b"apiVersion: batch/v1\nkind: Job\n"


def git(folder: Path, *words: str) -> str:
    """Run `git` in `folder`."""
    names = {f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", **names}
    done = subprocess.run(["git", *words], cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def make_repository(base: Path, name: str, job: bytes = JOB) -> Path:
    """A bare repository `base/name` whose branch `master` has `job` in `jobs/build.yaml`."""
    work = base / f"{name}.work"
    (work / "jobs").mkdir(parents=True)
    git(work, "init", "--quiet", "--initial-branch=master")
    (work / "jobs" / "build.yaml").write_bytes(job)
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "first")
    git(base, "clone", "--quiet", "--bare", str(work), name)
    return base / name


@asynccontextmanager
async def git_over_http(
    base: Path, judge: Callable[[web.BaseRequest], web.Response | None], *, host: str = "127.0.0.1"
) -> AsyncIterator[str]:
    """The URL of a server of the repositories in `base`; what `judge` answers is answered instead."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        return judge(request) or await _backend(base, request)

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    try:
        await web.TCPSite(runner, host, 0).start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _backend(base: Path, request: web.BaseRequest) -> web.Response:
    """What `git http-backend` answers, by CGI (RFC 3875)."""
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_PROJECT_ROOT": str(base),
        "GIT_HTTP_EXPORT_ALL": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": "*",
        "REQUEST_METHOD": request.method,
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query_string,
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        "REMOTE_ADDR": "127.0.0.1",
    }
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("git", "http-backend", stdin=pipe, stdout=pipe, env=environment)
    said, _ = await process.communicate(await request.read())
    head, _, body = said.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().splitlines())
    status = int(fields.pop("Status", "200").split()[0])
    return web.Response(status=status, headers=fields, body=body)
