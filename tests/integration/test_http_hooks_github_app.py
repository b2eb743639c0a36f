"""Hooks registered as a GitHub App, against a double that checks assertions and tokens as GitHub says it does."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hook_rig import HUB, SECRET, URL, Provider, Told, one_pass, provider, url_of
from http_rig import KnownValues

from sources.github import Github, GithubSpec
from sources.http import provider_api as api_module

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
ORG, WEB = "/api/v3/orgs/shop/hooks", "/api/v3/repos/shop/web/hooks"
TOKENS = "/api/v3/app/installations/42/access_tokens"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "_paused", {})


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody sleeps by it here")


class App:
    """GitHub's side of app 7 with its installation 42."""

    def __init__(self, double: Provider, clock: Clock) -> None:
        self.clock, self.given = clock, 0
        self.valid: dict[str, datetime] = {}
        self._hooks, double.answer_to = double.answer_to, self.answer  # type: ignore[method-assign]
        self.refusal: web.Response | None = None

    async def answer(self, request: web.Request) -> web.Response:
        if self.refusal is not None:
            said, self.refusal = self.refusal, None
            return said
        if request.path == TOKENS:
            return self.token(request)
        scheme, _, token = request.headers["Authorization"].partition(" ")
        if scheme != "token" or self.valid.get(token, self.clock.at) <= self.clock.at:
            return web.json_response({"message": "Bad credentials"}, status=401)
        assert request.headers["Accept"] == "application/vnd.github+json"
        request = request.clone(headers={**request.headers, "Authorization": "token glpat-secret"})
        return await self._hooks(request)

    def token(self, request: web.Request) -> web.Response:
        scheme, _, assertion = request.headers["Authorization"].partition(" ")
        assert (request.method, scheme) == ("POST", "Bearer")
        try:
            # The double's clock, not the machine's, decides what has ended.
            claims = jwt.decode(
                assertion, KEY.public_key(), algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False}
            )
        except jwt.InvalidSignatureError:
            return web.json_response({"message": "A JSON web token could not be decoded"}, status=401)
        now = self.clock.at.timestamp()
        assert claims["iat"] <= now < claims["exp"] <= now + 600
        assert claims["exp"] - claims["iat"] <= 600
        assert claims["iss"] == "7"
        self.given += 1
        token, ends = f"ghs_{self.given}", self.clock.at + timedelta(hours=1)
        self.valid[token] = ends
        return web.json_response({"token": token, "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}, status=201)


def github(told: Told, base: str, clock: Clock, key: str = PEM, **spec: Any) -> Github:
    fields = {
        "webhook": {"endpoint": "/push", "port": "0", "url": "https://tocsin.example.net"},
        "organizations": ["shop"],
        "events": ["push"],
        "active": True,
        "githubApp": {"appID": 7, "installationID": 42, "privateKey": {"name": "app", "key": "k"}},
        "webhookSecret": HUB,
        "githubBaseURL": base,
        "githubUploadURL": base,
    } | spec
    values = KnownValues(app=key, hub=SECRET)
    return Github(GithubSpec.model_validate(fields), told.context(values, clock=clock))


@pytest.mark.parametrize(
    ("origin", "place"), [({}, ORG), ({"organizations": [], "repositories": [{"owner": "shop", "names": ["web"]}]}, WEB)]
)
async def test_an_app_registers_hooks_for_organisations_and_repositories(origin: dict[str, Any], place: str) -> None:
    told, clock = Told(), Clock()
    async with provider() as double:
        App(double, clock)
        double.hooks = {place: []}
        source = github(told, double.base, clock, **origin)
        for _ in range(2):
            assert await one_pass(source, told) == ""
        (hook,) = double.hooks[place]
    assert url_of(hook) == URL
    assert hook["events"] == ["push"]


async def test_a_token_is_used_until_shortly_before_it_ends_and_then_renewed() -> None:
    told, clock = Told(), Clock()
    async with provider() as double:
        app = App(double, clock)
        double.hooks = {ORG: []}
        source = github(told, double.base, clock)
        given = []
        for minutes in (0, 30, 24, 2, 54):
            clock.at += timedelta(minutes=minutes)
            assert await one_pass(source, told) == ""
            given.append(app.given)
    assert given == [1, 1, 1, 2, 2]


async def test_a_token_that_was_taken_away_is_asked_for_again() -> None:
    told, clock = Told(), Clock()
    async with provider() as double:
        app = App(double, clock)
        double.hooks = {ORG: []}
        source = github(told, double.base, clock)
        assert await one_pass(source, told) == ""
        app.valid.clear()
        assert "401" in await one_pass(source, told)
        assert await one_pass(source, told) == ""
        assert app.given == 2


async def test_hooks_are_deleted_with_the_apps_credentials() -> None:
    told, clock = Told(), Clock()
    async with provider() as double:
        App(double, clock)
        double.hooks = {ORG: []}
        await one_pass(github(told, double.base, clock), told)
        await github(told, double.base, clock, deleteHookOnFinish=True).withdrawn([])
        assert double.hooks[ORG] == []


OTHER_PEM = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


@pytest.mark.parametrize(
    ("key", "said"),
    [("no key", "githubApp.privateKey: is no RSA key in PEM"), (OTHER_PEM, "check appID, privateKey"), ("", "empty")],
)
async def test_a_key_that_is_none_or_another_is_said_and_not_shown(key: str, said: str) -> None:
    told, clock = Told(), Clock()
    async with provider() as double:
        App(double, clock)
        double.hooks = {ORG: []}
        message = await one_pass(github(told, double.base, clock, key), told)
    assert said in message
    assert "PRIVATE" not in message


async def test_a_secondary_limit_pauses_all_calls_and_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    told, clock, now = Told(), Clock(), 1000.0
    monkeypatch.setattr(api_module, "monotonic", lambda: now)
    limited = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}
    async with provider() as double:
        app = App(double, clock)
        double.hooks = {ORG: []}
        source = github(told, double.base, clock)
        for pause in (60, 120, 240):
            app.refusal = web.json_response(limited, status=403)
            assert f"called again in {pause}s" in await one_pass(source, told)
            calls = len(double.answered)
            assert "asked for a pause" in await one_pass(source, told)
            assert len(double.answered) == calls
            now += pause
        assert await one_pass(source, told) == ""
        app.refusal = web.json_response(limited, status=403)
        assert "called again in 60s" in await one_pass(source, told), "a success ends the series"
