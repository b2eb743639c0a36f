"""What sources and triggers let a user write about a Kafka cluster."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from manifests.fields import BasicAuth, SecretRef, Spec
from manifests.words import did_you_mean

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
NOT_BUILT = ("OAUTHBEARER", "GSSAPI")
"""Mechanisms that Argo Events knows and this version does not."""

_BROKER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(?P<port>\d{1,5})")
_VERSION = re.compile(r"\d+\.\d+\.\d+(\.\d+)?")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")


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


def _check_registry(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not the address of a registry; write one such as http://registry:8081")
    if parts.username or parts.password:
        raise ValueError("the address holds a login; it belongs into auth, as Secrets")
    return url


class SchemaRegistry(Spec):
    """A registry of Avro schemas that speaks as Confluent's does."""

    url: Annotated[str, AfterValidator(_check_registry)]
    schema_id: int = Field(default=0, ge=0, lt=1 << 31)
    """Of what a trigger writes; a source finds it in each record."""
    auth: BasicAuth | None = None
    """User and password; used where both are given."""


class Sasl(Spec):
    """How a client proves who it is; both secrets are needed."""

    mechanism: Annotated[str, AfterValidator(_check_mechanism)] = ""
    """PLAIN where it is empty."""
    user_secret: SecretRef | None = None
    password_secret: SecretRef | None = None

    @property
    def missing(self) -> str:
        """The field that is missing, or empty text."""
        return "userSecret" if self.user_secret is None else "passwordSecret" if self.password_secret is None else ""

    @model_validator(mode="after")
    def _complete(self) -> "Sasl":
        if self.mechanism not in NOT_BUILT and self.missing:
            raise ValueError(f"sasl needs a user and a password; {self.missing} is missing")
        return self
