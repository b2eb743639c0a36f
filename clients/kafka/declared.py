"""What sources and triggers let a user write about a Kafka cluster."""

import re
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from manifests.fields import BasicAuth, SecretRef, Spec
from manifests.words import did_you_mean

BEARER = "OAUTHBEARER"
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", BEARER)
NOT_BUILT = ("GSSAPI",)
"""Mechanisms that Argo Events knows and this version does not."""
NOT_BUILT_HINT = "use SCRAM-SHA-512, or OAUTHBEARER with tokens of what stands before your Kerberos"

_BROKER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>\d{1,5})")
_VERSION = re.compile(r"\d+\.\d+\.\d+(\.\d+)?")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d{1,2}")


def brokers(url: str) -> tuple[str, ...]:
    """The addresses in `url`, separated by commas. Raises `ValueError` naming the one that is none."""
    found = tuple(part.strip() for part in url.split(","))
    for broker in found:
        match = _BROKER.fullmatch(broker)
        if match is None or not 0 < int(match["port"]) < 65536:
            raise ValueError(
                f"{broker!r} is not an address of a broker; write HOST:PORT, several separated by commas{_hint(broker)}"
            )
    return found


def _hint(broker: str) -> str:
    if "://" in broker:
        return f" (without {broker.split('://', 1)[0]}://)"
    return f" (did you mean {broker}:9092?)" if _BROKER.fullmatch(f"{broker}:9092") else ""


def _check_brokers(url: str) -> str:
    brokers(url)
    return url


def check_topic(topic: str) -> str:
    """`topic` where Kafka can have one of that name; raises `ValueError`."""
    if not _TOPIC.fullmatch(topic) or topic in (".", ".."):
        raise ValueError(f"{topic!r} cannot be a topic; its name is 1 to 249 letters, digits, '.', '_' and '-'")
    return topic


def _check_version(version: str) -> str:
    if version and not _VERSION.fullmatch(version):
        raise ValueError(f"{version!r} is no version of Kafka; write one such as 2.8.0, or leave it out")
    return version


def _check_mechanism(mechanism: str) -> str:
    if mechanism and mechanism not in (*MECHANISMS, *NOT_BUILT):
        hint = did_you_mean(mechanism.upper(), MECHANISMS)
        raise ValueError(f"expected one of {', '.join(MECHANISMS)}, got {mechanism!r}{hint}")
    return mechanism


BrokerList = Annotated[str, AfterValidator(_check_brokers)]
"""Addresses of brokers, separated by commas."""
ProtocolVersion = Annotated[str, AfterValidator(_check_version)]
"""Checked and not used: client and broker agree on the newest that both speak."""


def _check_service(what: str, example: str, login: str) -> Callable[[str], str]:
    def check(url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is not the address of {what}; write one such as {example}")
        if parts.username or parts.password:
            raise ValueError(f"the address holds a login; it belongs into {login}, as Secrets")
        return url

    return check


_RegistryUrl = Annotated[str, AfterValidator(_check_service("a registry", "http://registry:8081", "auth"))]
_TokenUrl = Annotated[str, AfterValidator(_check_service("a token endpoint", "https://login.example.com/token", "sasl"))]


class SchemaRegistry(Spec):
    """A registry of Avro schemas that speaks as Confluent's does."""

    url: _RegistryUrl
    schema_id: int = Field(default=0, ge=0, lt=1 << 31)
    """Of what a trigger writes; a source finds it in each record."""
    auth: BasicAuth | None = None
    """User and password; used where both are given."""


class OAuth(Spec):
    """Where an OAUTHBEARER token is had: the client credentials grant of OAuth 2.0 (RFC 6749, 4.4)."""

    token_url: _TokenUrl
    scope: str = ""
    """Scopes to ask for, separated by spaces; none where it is empty."""
    ca_cert_secret: SecretRef | None = None
    """The authority of the endpoint's certificate; the machine's own unless set."""


class Sasl(Spec):
    """How a client proves who it is."""

    mechanism: Annotated[str, AfterValidator(_check_mechanism)] = ""
    """PLAIN where it is empty."""
    user_secret: SecretRef | None = None
    """The user; with `oauth` the client's id. A token that is given needs none."""
    password_secret: SecretRef | None = None
    """The password; with `oauth` the client's secret; with OAUTHBEARER alone the token itself, read anew for each connection."""
    oauth: OAuth | None = None
    """With OAUTHBEARER: fetch tokens, and renew them."""

    @property
    def missing(self) -> str:
        """The field that is missing, or empty text."""
        if self.user_secret is None and (self.mechanism != BEARER or self.oauth is not None):
            return "userSecret"
        return "passwordSecret" if self.password_secret is None else ""

    @model_validator(mode="after")
    def _complete(self) -> "Sasl":
        if self.mechanism not in NOT_BUILT and self.missing:
            needed = "a token, or oauth, which fetches some," if self.missing != "userSecret" and self.mechanism == BEARER else ""
            raise ValueError(f"sasl needs {needed or 'a user and a password'}; {self.missing} is missing".replace(",;", ";"))
        if self.oauth is not None and self.mechanism != BEARER:
            raise ValueError("oauth is only for the mechanism OAUTHBEARER")
        return self


def _check_region(region: str) -> str:
    if not _REGION.fullmatch(region):
        raise ValueError(f"{region!r} is no region of AWS; write one such as eu-central-1")
    return region


class MskIam(Spec):
    """Logging in to Amazon MSK as whoever this process is in AWS: environment, profile, web identity, container or machine."""

    region: Annotated[str, AfterValidator(_check_region)]
