"""Objects read from repositories over SSH, from other remotes, and as a GitHub App, from real servers of Git and OpenSSH."""

import asyncio
import os
import socket
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import BasicAuth, web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from git_rig import JOB, git_over_http, make_repository
from kubernetes_rig import Given, compiled
from servers.openssh import SshServer

from manifests.objects import Dialect
from sensors.artifacts import git_program
from sensors.artifacts.installations import Installations
from sensors.artifacts.reading import Reader
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.k8s.trigger import K8sKind
from sensors.triggers.shared import Shared

THERE = JOB + b"# there\n"
FILE = {"filePath": "jobs/build.yaml"}


def ref(key: str) -> dict[str, str]:
    return {"name": "s", "key": key}


def reader(location: Any, *, dialect: Dialect = Dialect.TOCSIN, shared: Shared | None = None, **values: str) -> Reader:
    source = {"source": {"git": {**FILE, **location}}}
    trigger: Any = compiled(K8sKind, source, values=Given(**values), dialect=dialect, shared=shared)
    found: Reader = trigger._fitted.plain.rendering._reader
    return found


@pytest.fixture(scope="module")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("repositories")
    make_repository(base, "shop.git")
    make_repository(base, "there.git", THERE)
    return base


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """What is written down while reading is gone afterwards."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield
    assert list(folder.iterdir()) == []


# SSH


@pytest.fixture
def by_ssh(ssh_server: SshServer, repositories: Path) -> dict[str, Any]:
    url = f"ssh://{ssh_server.user}@127.0.0.1:{ssh_server.port}{repositories}/shop.git"
    return {"url": url, "sshKeySecret": ref("user"), "knownHosts": ssh_server.known("127.0.0.1")}


def keys(server: SshServer) -> dict[str, str]:
    return {name: server.key(name) for name in ("user", "other", "locked")}


async def test_a_file_is_read_over_ssh_with_a_key_from_a_host_that_is_known(
    by_ssh: dict[str, Any], ssh_server: SshServer
) -> None:
    assert await reader(by_ssh, **keys(ssh_server)).read() == JOB


async def test_a_host_that_is_not_known_or_has_another_key_is_not_spoken_to(
    by_ssh: dict[str, Any], ssh_server: SshServer
) -> None:
    for known in (ssh_server.known("elsewhere"), ssh_server.known("127.0.0.1", name="other")):
        with pytest.raises(TriggerUnavailable, match="the host is not known, or its key is another one; put its line"):
            await reader({**by_ssh, "knownHosts": known}, **keys(ssh_server)).read()


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_any_host_is_taken_where_that_is_declared(by_ssh: dict[str, Any], ssh_server: SshServer, dialect: Dialect) -> None:
    location = {"url": by_ssh["url"], "sshKeySecret": ref("user"), "insecureIgnoreHostKey": True}
    assert await reader(location, dialect=dialect, **keys(ssh_server)).read() == JOB


async def test_files_of_known_hosts_are_named_by_the_environment(
    by_ssh: dict[str, Any], ssh_server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del by_ssh["knownHosts"]
    known = tmp_path / "known hosts"
    known.write_text(ssh_server.known("127.0.0.1"))
    monkeypatch.setenv("SSH_KNOWN_HOSTS", f"{tmp_path / 'none'}:{known}")
    assert await reader(by_ssh, dialect=Dialect.ARGO, **keys(ssh_server)).read() == JOB
    known.write_text(ssh_server.known("elsewhere"))
    with pytest.raises(TriggerUnavailable, match="the host is not known"):
        await reader(by_ssh, **keys(ssh_server)).read()


@pytest.mark.parametrize("name", ["other", "locked", "none", "broken"])
async def test_a_key_that_does_not_let_in_is_worth_another_try_and_is_not_shown(
    by_ssh: dict[str, Any], ssh_server: SshServer, name: str
) -> None:
    location = {**by_ssh, "sshKeySecret": None if name == "none" else ref(name)}
    with pytest.raises(TriggerUnavailable, match=r"the server does not accept the key; check sshKeySecret$"):
        await reader(location, **keys(ssh_server), broken="no key").read()


async def test_a_key_of_the_services_own_user_is_not_used(
    by_ssh: dict[str, Any], ssh_server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    run = asyncio.create_subprocess_exec

    async def recorded(*words: Any, env: Any, **how: Any) -> Any:
        seen.extend([*map(str, words), env["GIT_SSH_COMMAND"]])
        return await run(*words, env=env, **how)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", recorded)
    with pytest.raises(TriggerUnavailable):
        await reader({**by_ssh, "sshKeySecret": None}).read()
    assert all("IdentityFile=none" in word for word in seen if word.startswith("ssh "))
    seen.clear()
    await reader(by_ssh, **keys(ssh_server)).read()
    assert not any("PRIVATE KEY" in word for word in seen)


async def test_a_user_that_is_not_named_is_git(
    by_ssh: dict[str, Any], ssh_server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_ssh["url"] = by_ssh["url"].replace(f"{ssh_server.user}@", "")
    with pytest.raises(TriggerUnavailable, match="does not accept the key"):  # nobody of that name is let in here
        await reader(by_ssh, **keys(ssh_server)).read()
    monkeypatch.setattr("sensors.artifacts.git_ssh.USER", ssh_server.user)
    assert await reader(by_ssh, **keys(ssh_server)).read() == JOB


async def test_ssh_connects_to_the_address_that_was_found_to_be_allowed(
    by_ssh: dict[str, Any], ssh_server: SshServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolved(host: str, port: int | None, **_: Any) -> list[Any]:
        assert (host, port) == ("moving.test", ssh_server.port)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolved)
    location = {**by_ssh, "url": by_ssh["url"].replace("127.0.0.1", "moving.test"), "knownHosts": ssh_server.known("moving.test")}
    assert await reader(location, **keys(ssh_server)).read() == JOB


async def test_the_key_is_a_file_of_memory_that_others_cannot_read() -> None:
    from sensors.artifacts.git_login import key_file

    with key_file("secret") as name:
        assert stat.S_IMODE(os.stat(name).st_mode) == 0o600
        assert os.readlink(name).startswith("/memfd:")
        assert Path(name).read_text() == "secret\n"
    assert not Path(name).exists()


# Other remotes


def nobody(request: web.BaseRequest) -> web.Response | None:
    return None


@pytest.fixture
async def here(repositories: Path) -> AsyncIterator[str]:
    async with git_over_http(repositories, nobody) as url:
        yield url


@pytest.mark.parametrize("name", ["upstream", "origin"])
@pytest.mark.parametrize("dialect", list(Dialect))
async def test_the_first_url_of_a_remote_is_read_each_time(here: str, name: str, dialect: Dialect) -> None:
    remote = {"name": name, "urls": [f"{here}/there.git", f"{here}/none.git"]}
    made = reader({"url": f"{here}/shop.git", "remote": remote}, dialect=dialect)
    assert [await made.read() for _ in range(2)] == [THERE, THERE]
    assert made.show()["git"]["url"] == f"{here}/there.git"
    assert await reader({"url": f"{here}/shop.git"}).read() == JOB


@pytest.mark.parametrize(("limit", "low"), [("MAX_FILE_BLOCKS", 2048), ("MAX_MEMORY_KIB", 8_000)])
async def test_a_repository_that_takes_too_much_is_given_up_on(
    here: str, repositories: Path, monkeypatch: pytest.MonkeyPatch, limit: str, low: int
) -> None:
    if not (repositories / "large.git").exists():
        make_repository(repositories, "large.git", os.urandom(3_000_000))
    assert len(await reader({"url": f"{here}/large.git"}).read()) == 3_000_000
    monkeypatch.setattr(git_program, limit, low)
    with pytest.raises(TriggerUnavailable, match=r"build\.yaml of refs/heads/master at http://"):
        await reader({"url": f"{here}/large.git"}).read()


async def test_what_a_program_says_is_kept_within_bounds() -> None:
    stream = asyncio.StreamReader()
    stream.feed_data(b"x" * 1_000_000)
    stream.feed_eof()
    assert await git_program._start_of(stream, 10) == b"x" * 10
    assert stream.at_eof()


# As a GitHub App


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


class GitHub:
    """A server of one's own: gives tokens to app 7 with its installation 42, and shows repositories to who has one."""

    def __init__(self) -> None:
        self.given = 0
        self.valid: set[str] = set()
        self.lives = timedelta(hours=1)
        self.refusal: web.Response | None = None

    def judge(self, request: web.BaseRequest) -> web.Response | None:
        if request.path.startswith("/api/"):
            return self.refusal or self.token(request)
        login = BasicAuth.decode(request.headers.get("Authorization", "Basic Og=="))
        if login.login == "x-access-token" and login.password in self.valid:
            return None
        return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="GitHub"'})

    def token(self, request: web.BaseRequest) -> web.Response:
        assert (request.method, request.path) == ("POST", "/api/v3/app/installations/42/access_tokens")
        scheme, _, assertion = request.headers["Authorization"].partition(" ")
        assert scheme == "Bearer"
        claims = jwt.decode(assertion, KEY.public_key(), algorithms=["RS256"])
        assert claims["iss"] == "7"
        self.given += 1
        self.valid.add(f"ghs_{self.given}")
        ends = (datetime.now(UTC) + self.lives).strftime("%Y-%m-%dT%H:%M:%SZ")
        return web.json_response({"token": f"ghs_{self.given}", "expires_at": ends, "permissions": {}}, status=201)


@pytest.fixture
def hub() -> GitHub:
    return GitHub()


@pytest.fixture
async def by_app(hub: GitHub, repositories: Path) -> AsyncIterator[dict[str, Any]]:
    async with git_over_http(repositories, hub.judge) as url:
        yield {"url": f"{url}/shop.git", "githubApp": {"appID": 7, "installationID": 42, "privateKey": ref("app")}}


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_an_app_reads_with_a_token_until_shortly_before_it_ends(
    by_app: dict[str, Any], hub: GitHub, dialect: Dialect
) -> None:
    shared = Shared()
    made = reader(by_app, dialect=dialect, shared=shared, app=PEM)
    assert [await made.read() for _ in range(2)] == [JOB, JOB]
    assert hub.given == 1
    await shared.get(Installations).aclose()
    hub.lives = timedelta(minutes=4)
    for _ in range(2):
        await made.read()
    assert hub.given == 3


async def test_a_token_that_is_not_taken_any_more_is_asked_for_anew_the_next_time(by_app: dict[str, Any], hub: GitHub) -> None:
    made = reader(by_app, app=PEM)
    await made.read()
    hub.valid.clear()
    with pytest.raises(TriggerUnavailable, match=r"asks for a login|does not accept the login") as failed:
        await made.read()
    assert "ghs_" not in str(failed.value)
    assert await made.read() == JOB


async def test_creds_count_before_an_app(by_app: dict[str, Any], hub: GitHub) -> None:
    hub.valid.add("hidden")
    location = {**by_app, "creds": {"username": ref("user"), "password": ref("password")}}
    assert await reader(location, user="x-access-token", password="hidden").read() == JOB
    assert hub.given == 0


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            web.Response(status=401),
            "githubApp 7, installation 42 at 127.0.0.1 got no token: answered 401; check appID, privateKey",
        ),
        (web.Response(status=404), "answered 404; check installationID"),
        (web.Response(status=503, headers={"Retry-After": "9"}), "answered 503"),
        (web.Response(status=201, text="{}"), "got an answer without a token"),
        (web.Response(status=201, text='{"token": "x", "expires_at": "2999-01-01T00:00:00"}'), "got an answer without a token"),
    ],
)
async def test_a_token_that_is_not_given_says_why(by_app: dict[str, Any], hub: GitHub, answer: web.Response, why: str) -> None:
    hub.refusal = answer
    with pytest.raises(TriggerUnavailable, match=why) as failed:
        await reader(by_app, app=PEM).read()
    assert failed.value.retry_after_s == (9.0 if answer.status == 503 else None)


async def test_a_key_that_is_none_is_not_shown(by_app: dict[str, Any]) -> None:
    with pytest.raises(TriggerUnavailable, match=r"privateKey: is no RSA key in PEM") as failed:
        await reader(by_app, app="hidden").read()
    assert "hidden" not in str(failed.value)


async def test_an_app_is_not_asked_for_where_calls_may_not_go(by_app: dict[str, Any]) -> None:
    with pytest.raises(TriggerRefused, match="are denied"):
        await reader({**by_app, "url": "http://169.254.169.254/a.git"}, app=PEM).read()
