"""Signature schemes of webhook senders, in one table.

All are checked over the body's bytes as sent, before anything reads them, in constant time. More than one secret may be
given, so that a secret can be changed without losing deliveries.
"""

import base64
import hmac
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, NamedTuple

from sources.http.answers import Refused

Digest = Literal["sha1", "sha256", "sha512"]


class NotVerified(Refused):
    """A request's signature is missing, malformed or wrong, so it is answered 401. The detail never holds the right one."""

    def __init__(self, detail: str) -> None:
        super().__init__(401, detail)


class SignedBy(NamedTuple):
    """One header that may hold a signature."""

    header: str
    matches: Callable[[str, bytes, bytes], bool]
    """Whether the header's value signs a body, given the secret and the body."""


class Scheme(NamedTuple):
    """How one family of senders signs."""

    strongest_first: tuple[SignedBy, ...]
    """The first header that is sent decides: a weaker one never replaces it."""
    shape: str
    """What a signed request carries, for messages."""


_HEX_DIGITS: Mapping[str, int] = {"sha1": 40, "sha256": 64, "sha512": 128}


def hub_signature(digest: Digest, secret: bytes, body: bytes) -> str:
    """`sha256=<hex>`, as GitHub and those who followed it write an HMAC of the body."""
    return f"{digest}={hmac.digest(secret, body, digest).hex()}"


def _hub(*digests: Digest) -> Callable[[str, bytes, bytes], bool]:
    """Semantics: GitHub, "Validating webhook deliveries"; the digests are those of go-github 50."""

    def matches(value: str, secret: bytes, body: bytes) -> bool:
        digest, _, given = value.partition("=")
        if digest not in digests or len(given) != _HEX_DIGITS[digest]:
            return False
        expected = hmac.digest(secret, body, digest).hex().encode()
        return hmac.compare_digest(expected, given.lower().encode("utf-8", "surrogateescape"))

    return matches


SCHEMES: Mapping[str, Scheme] = {
    "github": Scheme(
        (
            SignedBy("X-Hub-Signature-256", _hub("sha256", "sha512")),
            SignedBy("X-Hub-Signature", _hub("sha1", "sha256", "sha512")),
        ),
        shape="X-Hub-Signature-256: sha256=<hex of the HMAC of the body>",
    ),
    "bitbucketserver": Scheme(
        (SignedBy("X-Hub-Signature", _hub("sha256")),),
        shape="X-Hub-Signature: sha256=<hex of the HMAC of the body>",
    ),
}


def verify(scheme: Scheme, headers: Mapping[str, str], body: bytes, secrets: Iterable[bytes]) -> None:
    """Return where `body` is signed with one of `secrets`; raises `NotVerified` otherwise, without any secret, too.

    The strongest header that is present has to hold, even if a weaker one would.
    """
    for header, matches in scheme.strongest_first:
        value = headers.get(header)
        if value is not None:
            # An empty secret is never accepted: whoever guesses that it is empty could sign.
            if any(secret and matches(value, secret, body) for secret in secrets):
                return
            raise NotVerified(f"{header} does not sign this body; check that both sides have the same secret")
    raise NotVerified(f"the request is not signed; expected {scheme.shape}")


STANDARD_PREFIX = b"whsec_"
"""What a signing key of Standard Webhooks begins with; Base64 follows."""
_SKEW_S = 300.0


def verify_standard(headers: Mapping[str, str], body: bytes, secrets: Iterable[bytes], *, now_s: float) -> None:
    """Return where a request is signed as Standard Webhooks has it, with one of `secrets`; raises `NotVerified` otherwise.

    `now_s` is the present, seconds since 1970: a time stamp that is off by more than five minutes is refused. Semantics: Standard
    Webhooks 1.0, which GitLab's signing tokens follow.
    """
    named = [headers.get(name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature")]
    if any(not value for value in named):
        raise NotVerified("the request is not signed; expected webhook-id, webhook-timestamp and webhook-signature")
    id_, stamp, signatures = map(str, named)
    if not stamp.isascii() or not stamp.isdigit() or abs(now_s - int(stamp[:15])) > _SKEW_S:
        raise NotVerified("webhook-timestamp is no time within five minutes; check the clocks of both sides")
    signed = f"{id_}.{stamp}.".encode("utf-8", "surrogateescape") + body
    given = [one.removeprefix("v1,").encode("utf-8", "surrogateescape") for one in signatures.split(" ") if one.startswith("v1,")]
    for secret in secrets:
        expected = base64.b64encode(hmac.digest(_standard_key(secret), signed, "sha256"))
        if any(hmac.compare_digest(expected, one) for one in given):
            return
    raise NotVerified("webhook-signature does not sign this request; check that both sides have the same signing token")


def _standard_key(secret: bytes) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(STANDARD_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not key:
        raise NotVerified("the signing token of this endpoint is no whsec_ key; the operator has to correct it")
    return key
