"""The http trigger over TLS, with certificates made for the test."""

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acting_fakes import FixedValues, Target, a_target, an_event_bound, http_trigger
from servers.certificates import make_certificates

from sensors.errors import TriggerUnavailable
from sensors.web.client import Web

pytestmark = pytest.mark.usefixtures("openssl")

CA = {"caCertSecret": {"name": "tls", "key": "ca"}}
PAIR = {"clientCertSecret": {"name": "tls", "key": "cert"}, "clientKeySecret": {"name": "tls", "key": "key"}}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ca.pem`, and `leaf.pem` with `leaf.key` for 127.0.0.1, which serve as the client's too."""
    return make_certificates(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def values(certificates: Path) -> FixedValues:
    files = {"ca": "ca.pem", "cert": "leaf.pem", "key": "leaf.key"}
    return FixedValues({f"tls/{key}": (certificates / name).read_bytes() for key, name in files.items()})


@pytest.fixture
async def target(certificates: Path) -> AsyncIterator[Target]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates / "ca.pem"))
    context.load_cert_chain(certificates / "leaf.pem", certificates / "leaf.key")
    context.verify_mode = ssl.CERT_OPTIONAL
    async with a_target(context) as server:
        yield server


async def fire(target: Target, values: FixedValues, tls: object) -> None:
    client = Web()
    trigger = http_trigger({"url": target.url.replace("http:", "https:"), "tls": tls}, values=values, web=client)
    try:
        await trigger.fire(trigger.render(an_event_bound()), idempotency_key="k")
    finally:
        await client.aclose()


async def test_a_server_that_nobody_vouches_for_is_unavailable_and_the_reason_says_so(
    target: Target, values: FixedValues
) -> None:
    with pytest.raises(TriggerUnavailable, match=r"127\.0\.0\.1:\d+: the server.s certificate is not accepted: \w+"):
        await fire(target, values, None)
    assert target.seen == []


async def test_a_declared_authority_vouches(target: Target, values: FixedValues) -> None:
    await fire(target, values, CA)
    assert len(target.seen) == 1


async def test_a_client_certificate_is_shown(target: Target, values: FixedValues) -> None:
    shown = []

    async def answer(request: object) -> object:
        shown.append(request.transport.get_extra_info("peercert"))  # type: ignore[attr-defined]
        return await target._ok(request)  # type: ignore[arg-type]

    target.answer = answer  # type: ignore[assignment]
    await fire(target, values, CA | PAIR)
    assert shown[0]["subject"] == ((("commonName", "leaf"),),)


async def test_insecure_skip_verify_accepts_any_certificate(target: Target, values: FixedValues) -> None:
    await fire(target, values, {"insecureSkipVerify": True})
    assert len(target.seen) == 1


async def test_a_key_that_cannot_be_used_is_unavailable_and_never_shown(target: Target, values: FixedValues) -> None:
    values.values["tls/key"] = b"canary-not-a-key"
    with pytest.raises(TriggerUnavailable, match="cannot be used") as caught:
        await fire(target, values, CA | PAIR)
    assert "canary" not in str(caught.value)
    assert target.seen == []


async def test_speaking_tls_to_a_plain_port_is_unavailable(values: FixedValues) -> None:
    async with a_target() as plain:
        with pytest.raises(TriggerUnavailable, match="TLS failed"):
            await fire(plain, values, CA)
