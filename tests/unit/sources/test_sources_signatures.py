"""Signatures against the values that senders document."""

import pytest

from sources.http.signatures import SCHEMES, NotVerified, hub_signature, verify

SECRET, BODY = b"It's a Secret to Everybody", b"Hello, World!"
SHA256 = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
SHA1 = "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59"
UPPER = {"X-Hub-Signature-256": "sha256=" + SHA256[7:].upper()}
"""As some relays write it; GitHub's own library takes both."""
GITHUB = SCHEMES["github"]


def test_signatures_are_those_that_github_documents() -> None:
    assert hub_signature("sha256", SECRET, BODY) == SHA256
    assert hub_signature("sha1", SECRET, BODY) == SHA1
    assert (
        hub_signature("sha256", b"shared-key", b'{"a":1}')
        == "sha256=a1d1a43edb9c8b11544b1d6efc5f2ce04b79d488ef2b75b2a1c4eafb680cf77a"
    )


@pytest.mark.parametrize(
    "headers", [{"X-Hub-Signature-256": SHA256}, {"X-Hub-Signature": SHA1}, {"X-Hub-Signature": SHA256}, UPPER]
)
@pytest.mark.parametrize("secrets", [[SECRET], [b"new", SECRET], [SECRET, b"new"]])
def test_a_right_signature_by_any_of_the_secrets_verifies(headers: dict[str, str], secrets: list[bytes]) -> None:
    verify(GITHUB, headers, BODY, secrets)


@pytest.mark.parametrize(
    "value", ["", "sha256", "sha256=", SHA256[:-1], SHA256 + "0", SHA256.upper(), " " + SHA256, SHA1, "=" + SHA256[7:], "é"]
)
def test_anything_else_does_not(value: str) -> None:
    with pytest.raises(NotVerified) as refused:
        verify(GITHUB, {"X-Hub-Signature-256": value, "X-Hub-Signature": SHA1}, BODY, [SECRET])
    assert SHA256[7:] not in str(refused.value)


def test_no_secret_and_an_empty_secret_verify_nothing() -> None:
    signed_with_nothing = {"X-Hub-Signature-256": hub_signature("sha256", b"", BODY)}
    for secrets in ([], [b""]):
        with pytest.raises(NotVerified):
            verify(GITHUB, signed_with_nothing, BODY, secrets)


def test_every_scheme_says_what_a_signed_request_carries() -> None:
    for scheme in SCHEMES.values():
        with pytest.raises(NotVerified, match="expected"):
            verify(scheme, {}, BODY, [SECRET])
