"""Tokens for brokers: given, and signed for Amazon MSK. Those of an endpoint are tested against a broker."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from aiokafka.conn import AIOKafkaConnection
from aiokafka.errors import SaslAuthenticationFailed
from botocore.credentials import Credentials
from msk_double import judged

from clients.kafka.bearer import Tokens, TokenUnavailable
from clients.kafka.connection import Connection
from clients.kafka.declared import BEARER
from clients.kafka.msk import LIFE_S, MskTokens, signed
from clients.kafka.token_endpoint import TokenEndpoint
from clients.kafka.tokens import Fetched, Given

REGION = "eu-central-1"


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No credentials but those that a test gives, and no service of a machine that could have some."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def provider_of(connection: Connection) -> Tokens:
    provider = connection.arguments()["sasl_oauth_token_provider"]
    assert isinstance(provider, Tokens)
    return provider


def by_msk(token: str, *, after: timedelta = timedelta(0), secret: str = "s/cret+") -> str:
    return judged(token, keys={"AKIAEXAMPLE": secret}, region=REGION, at=datetime.now(UTC) + after)


@pytest.mark.parametrize("session", [None, "a/session+token=="])
def test_a_signed_token_is_what_msk_works_out_itself(session: str | None) -> None:
    token = signed(Credentials("AKIAEXAMPLE", "s/cret+", session), REGION)
    assert by_msk(token) == "AKIAEXAMPLE"
    assert not set(token) & set("+/= ")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"secret": "another"}, "the signature is another one"),
        ({"after": timedelta(seconds=LIFE_S + 5)}, "expired"),
    ],
)
def test_the_double_of_msk_refuses_what_msk_refuses(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        by_msk(signed(Credentials("AKIAEXAMPLE", "s/cret+"), REGION), **given)  # type: ignore[arg-type]


async def test_credentials_come_from_where_aws_keeps_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = s/cret+\n")
    assert by_msk(await MskTokens(REGION).token()) == "AKIAEXAMPLE"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the environment")
    assert by_msk(await MskTokens(REGION).token(), secret="of the environment") == "AKIAEXAMPLE"


async def test_nobody_in_aws_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TokenUnavailable, match="awsMskIamAuth: there are no AWS credentials; give this process a role"):
        await MskTokens(REGION).token()
    monkeypatch.setenv("AWS_PROFILE", "gone")
    with pytest.raises(TokenUnavailable, match=r"awsMskIamAuth: The config profile \(gone\) could not be found"):
        await MskTokens(REGION).token()


@pytest.mark.parametrize(
    ("token", "said"), [("", "it is empty"), ("a b", "more than one word"), ("a\x01auth=x", "more than one word")]
)
async def test_what_is_no_token_is_told_and_not_shown(token: str, said: str) -> None:
    with pytest.raises(TokenUnavailable, match=f"sasl.passwordSecret is no bearer token: it .*{said.removeprefix('it ')}"):
        await Given(token).token()
    assert await Given("abc\n").token() == "abc"


@pytest.mark.parametrize(("says", "fetched"), [("3600", 1), (3600, 1), ("0", 2), ("nan", 2), (-1, 2)])
async def test_the_life_of_a_fetched_token_may_be_text_and_ends(
    says: object, fetched: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def post(self: Fetched) -> tuple[int, bytes]:
        asked.append(1)
        return 200, msgspec.json.encode({"access_token": "abc", "expires_in": says})

    monkeypatch.setattr(Fetched, "_post", post)
    tokens = Fetched(TokenEndpoint("https://login/token"), "me", "hush")
    assert [await tokens.token() for _ in range(2)] == ["abc", "abc"]
    assert len(asked) == fetched


@pytest.mark.parametrize(("age_s", "fetched"), [(60.0, 2), (1.0, 1)])
async def test_a_token_that_a_broker_refuses_is_replaced_unless_it_is_new(
    age_s: float, fetched: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def post(self: Fetched) -> tuple[int, bytes]:
        asked.append(1)
        return 200, msgspec.json.encode({"access_token": f"abc{len(asked)}", "expires_in": 3600})

    monkeypatch.setattr(Fetched, "_post", post)
    now = 1000.0
    monkeypatch.setattr("clients.kafka.tokens.monotonic", lambda: now)
    provider = provider_of(Connection(("a:1",), mechanism=BEARER, endpoint=TokenEndpoint("https://login/token")))
    assert await provider.token() == "abc1"
    now += age_s
    refusable = AIOKafkaConnection.authenticator_oauth(SimpleNamespace(_sasl_oauth_token_provider=provider))
    with pytest.raises(SaslAuthenticationFailed):
        await refusable.step(b'{"status":"invalid_token"}')
    assert await provider.token() == f"abc{fetched}"


def test_a_connection_says_where_its_tokens_come_from_and_shows_none() -> None:
    given = Connection(("a:1",), mechanism=BEARER, password="t0ken")
    fetched = given._replace(endpoint=TokenEndpoint("https://login/token"))

    async def kinds() -> list[type]:
        return [type(provider_of(each)) for each in (given, fetched, given._replace(region=REGION))]

    assert asyncio.run(kinds()) == [Given, Fetched, MskTokens]
    assert "t0ken" not in repr(given) + repr(fetched)
