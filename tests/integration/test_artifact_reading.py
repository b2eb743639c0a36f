"""Objects read from URLs, buckets and repositories, from servers on this machine."""

import asyncio
import gzip
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from aiohttp import web
from git_rig import JOB, git
from kubernetes_rig import Given, compiled
from servers.process import Child, free_ports, listens

from sensors.artifacts.content import MAX_BYTES
from sensors.artifacts.reading import Reader
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.k8s.trigger import K8sKind


def reader(source: Any, **values: str) -> Reader:
    found: Reader = compiled(K8sKind, {"source": source}, values=Given(**values))._fitted.plain.rendering._reader  # type: ignore[attr-defined]
    return found


class Site:
    """A server that answers as a test says, and records what it was asked."""

    def __init__(self) -> None:
        self.asked: list[web.BaseRequest] = []
        self.answer: Callable[[web.BaseRequest], web.StreamResponse] = lambda request: web.Response(body=JOB)
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request)
        return self.answer(request)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    made = Site()
    runner = web.ServerRunner(web.Server(made.handle))
    await runner.setup()
    try:
        listening = web.TCPSite(runner, "127.0.0.1", 0)
        await listening.start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield made
    finally:
        await runner.cleanup()


# URLs


async def test_what_a_url_answers_is_read_behind_a_redirect_and_not_unpacked(site: Site) -> None:
    def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "/real"}) if request.path == "/" else web.Response(body=JOB)

    site.answer = answer
    assert await reader({"url": {"path": site.url}}).read() == JOB
    assert [request.headers["Accept-Encoding"] for request in site.asked] == ["identity", "identity"]
    packed = gzip.compress(b"x" * 10_000_000)
    site.answer = lambda request: web.Response(body=packed, headers={"Content-Encoding": "gzip"})
    assert await reader({"url": {"path": site.url}}).read() == packed


@pytest.mark.parametrize(("status", "error"), [(404, TriggerRefused), (204, TriggerRefused), (503, TriggerUnavailable)])
async def test_an_answer_that_is_not_200_is_no_object(site: Site, status: int, error: type[Exception]) -> None:
    site.answer = lambda request: web.Response(status=status, body=b"secret text" if status != 204 else None)
    with pytest.raises(error, match=rf"http://127\.0\.0\.1:\d+ answered {status} where the object was to be read$"):
        await reader({"url": {"path": f"{site.url}/a?token=t"}}).read()


async def test_a_large_answer_is_given_up_on(site: Site) -> None:
    site.answer = lambda request: web.Response(body=b"x" * (MAX_BYTES + 1))
    with pytest.raises(TriggerRefused, match="the answer is larger than 3 MiB"):
        await reader({"url": {"path": site.url}}).read()


@pytest.mark.parametrize(
    "source",
    [
        {"url": {"path": "http://169.254.169.254/latest/meta-data"}},
        {"url": {"path": "http://0xa9fea9fe/"}},
        {"s3": {"endpoint": "http://metadata.google.internal", "bucket": {"name": "b", "key": "k"}}},
        {"git": {"url": "http://169.254.169.254/a.git", "filePath": "x"}},
        {"git": {"url": "git@metadata.google.internal:a.git", "filePath": "x"}},
    ],
)
async def test_metadata_addresses_are_denied_to_every_place(source: Any) -> None:
    with pytest.raises(TriggerRefused, match="are denied"):
        await reader(source).read()


async def test_a_redirect_to_a_metadata_address_is_denied(site: Site) -> None:
    site.answer = lambda request: web.Response(status=302, headers={"Location": "http://169.254.169.254/"})
    with pytest.raises(TriggerRefused, match="are denied"):
        await reader({"url": {"path": site.url}}).read()


# Buckets


def bucket(site: Site, **more: Any) -> Any:
    keys = {name: {"name": "s", "key": key} for name, key in (("accessKey", "access"), ("secretKey", "secret"))}
    where = {"endpoint": site.url.removeprefix("http://"), "insecure": True, "bucket": {"name": "shop", "key": "jobs/a b.yaml"}}
    return {"s3": {**where, **keys, **more}}


async def test_an_object_of_a_bucket_is_asked_for_with_a_signature(site: Site) -> None:
    assert await reader(bucket(site), access="AKIA \n", secret="hidden").read() == JOB
    (request,) = site.asked
    assert request.raw_path == "/shop/jobs/a%20b.yaml"
    assert request.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIA/20")
    assert "SignedHeaders=host;x-amz-content-sha256;x-amz-date" in request.headers["Authorization"]


async def test_a_bucket_elsewhere_is_asked_for_in_its_region(site: Site) -> None:
    def answer(request: web.BaseRequest) -> web.StreamResponse:
        there = "/eu-west-1/s3/" in request.headers["Authorization"]
        return web.Response(body=JOB) if there else web.Response(status=400, headers={"x-amz-bucket-region": "eu-west-1"})

    site.answer = answer
    assert await reader(bucket(site), access="a", secret="s").read() == JOB


async def test_an_object_that_may_not_be_read_or_a_key_that_is_missing_says_so(site: Site) -> None:
    site.answer = lambda request: web.Response(status=403)
    with pytest.raises(TriggerRefused, match=r"object 'jobs/a b\.yaml' of bucket 'shop' at 127\.0\.0\.1 answered 403"):
        await reader(bucket(site), access="a", secret="s").read()
    with pytest.raises(TriggerUnavailable, match="key 'access' is missing"):
        await reader(bucket(site)).read()
    site.answer = lambda request: web.Response(body=JOB, status=200 if "Authorization" not in request.headers else 403)
    assert await reader(bucket(site, accessKey=None, secretKey=None)).read() == JOB


# Repositories


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a repository with branches, a tag, a link, a submodule's place and a large file."""
    base = tmp_path_factory.mktemp("repositories")
    work = base / "work"
    work.mkdir()
    git(work, "init", "--quiet", "--initial-branch=master")
    (work / "jobs").mkdir()
    (work / "jobs" / "build.yaml").write_bytes(JOB)
    (work / "link.yaml").symlink_to("/etc/passwd")
    (work / "up.yaml").symlink_to("../../../../../../etc/passwd")
    (work / "large.yaml").write_bytes(os.urandom(MAX_BYTES + 1))
    git(work, "add", ".")
    git(work, "commit", "--quiet", "-m", "first")
    git(work, "tag", "v1")
    git(work, "update-ref", "refs/pull/7/head", "HEAD")
    (work / "jobs" / "build.yaml").write_bytes(JOB + b"# second\n")
    git(work, "commit", "--quiet", "-a", "-m", "second")
    git(work, "branch", "release/2")
    git(base, "clone", "--quiet", "--mirror", str(work), "shop.git")
    (port,) = free_ports(1)
    daemon = ["git", "daemon", "--listen=127.0.0.1", f"--port={port}", f"--base-path={base}", "--export-all", "--reuseaddr"]
    child = Child(daemon, log=base / "daemon.log")
    try:
        child.wait_for(lambda: listens(port), "git daemon")
        yield f"git://127.0.0.1:{port}/shop.git"
    finally:
        child.stop()


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ({}, JOB + b"# second\n"),
        ({"branch": "release/2"}, JOB + b"# second\n"),
        ({"tag": "v1"}, JOB),
        ({"ref": "refs/pull/7/head", "branch": "master"}, JOB),
    ],
)
async def test_a_file_of_a_repository_is_read_from_the_reference_that_counts(repository: str, where: Any, text: bytes) -> None:
    assert await reader({"git": {"url": repository, "filePath": "jobs/build.yaml", **where}}).read() == text


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("link.yaml", "a link, a folder or a submodule, and no file"),
        ("up.yaml", "a link, a folder or a submodule, and no file"),
        ("jobs", "a link, a folder or a submodule, and no file"),
        ("jobs/none.yaml", "there is no such file"),
        ("jobs/build.yaml/x", "there is no such file"),
        ("JOBS/BUILD.YAML", "there is no such file"),
        ("large.yaml", "larger than 3 MiB"),
    ],
)
async def test_what_is_no_file_of_the_repository_is_refused(repository: str, path: str, why: str) -> None:
    with pytest.raises(TriggerRefused, match=why):
        await reader({"git": {"url": repository, "filePath": path}}).read()


async def test_a_reference_or_repository_that_is_not_there_may_come(repository: str) -> None:
    with pytest.raises(TriggerUnavailable, match=r"x\.yaml of refs/heads/none at git://\S+: fatal: .*refs/heads/none"):
        await reader({"git": {"url": repository, "filePath": "x.yaml", "branch": "none"}}).read()
    with pytest.raises(TriggerUnavailable, match="fatal:"):
        await reader({"git": {"url": repository.replace("shop", "none"), "filePath": "x.yaml"}}).read()


async def test_a_login_goes_to_the_server_and_into_no_message(site: Site) -> None:
    site.answer = lambda request: web.Response(status=401)
    creds = {"username": {"name": "s", "key": "user"}, "password": {"name": "s", "key": "password"}}
    with pytest.raises(TriggerUnavailable, match="the server asks for a login; give creds that it accepts") as failed:
        await reader({"git": {"url": f"{site.url}/a.git", "filePath": "x", "creds": creds}}, user="me", password="hidden").read()
    assert "hidden" not in str(failed.value)
    assert site.asked[0].headers["Authorization"] == "Basic bWU6aGlkZGVu"


async def test_a_login_is_not_carried_on_by_a_redirect(site: Site) -> None:
    elsewhere = site.url.replace("127.0.0.1", "localhost")
    moved = web.Response(status=302, headers={"Location": f"{elsewhere}/b.git/info/refs?service=git-upload-pack"})
    site.answer = lambda request: moved if request.path.startswith("/a.git") else web.Response(status=404)
    creds = {"password": {"name": "s", "key": "password"}}
    with pytest.raises(TriggerUnavailable, match="fatal:"):
        await reader({"git": {"url": f"{site.url}/a.git", "filePath": "x", "creds": creds}}, password="hidden").read()
    assert len(site.asked) == 1, "it is not followed at all"


async def test_git_connects_to_the_address_that_was_found_to_be_allowed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolved(host: str, port: int | None, **_: Any) -> list[Any]:
        assert host == "moving.test"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
    site.answer = lambda request: web.Response(status=403)
    url = site.url.replace("127.0.0.1", "moving.test")
    with pytest.raises(TriggerUnavailable, match="403"):
        await reader({"git": {"url": f"{url}/a.git", "filePath": "x"}}).read()


async def test_a_server_that_never_answers_is_left_when_the_attempt_is_cut_off() -> None:
    async def silent(reading: asyncio.StreamReader, writing: asyncio.StreamWriter) -> None:
        while await reading.read(1024):
            pass
        writing.close()
        ended.set()

    ended = asyncio.Event()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        url = f"git://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.git"
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await reader({"git": {"url": url, "filePath": "x"}}).read()
        assert time.monotonic() - began < 5
        async with asyncio.timeout(10):
            await ended.wait()  # the program has let go of the connection
