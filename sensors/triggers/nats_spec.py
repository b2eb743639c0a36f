"""What a `nats` trigger lets a user write."""

from typing import Annotated

from pydantic import Field, model_validator

from manifests.fields import BasicAuth, SecretRef, Spec
from manifests.objects import Parameter
from manifests.ours import OURS
from manifests.tls import Tls
from sensors.triggers.rewriting import ParametrisedSpec

_WILDCARDS = frozenset({"*", ">"})


class NatsAuth(Spec):
    """How a client proves who it is; the first that is set counts."""

    basic: BasicAuth | None = None
    token: SecretRef | None = None
    nkey: SecretRef | None = None
    """A user's seed (`SU…`)."""
    credential: SecretRef | None = None
    """A credentials file: a user's JWT and seed."""


class JetStream(Spec):
    """Publish to a stream and wait until it has the message. Of our dialect."""

    stream: str = ""
    """Refuse where another stream takes the subject; empty: any."""


class NatsSpec(ParametrisedSpec):
    """One message to one subject."""

    url: str = Field(min_length=1)
    """`nats://HOST:PORT`, `tls://…`, `ws://…` or `wss://…`; several servers of a cluster separated by commas."""
    subject: str = Field(min_length=1)
    payload: list[Parameter] = Field(min_length=1)
    """Builds the message."""
    tls: Tls = None
    auth: NatsAuth | None = None
    headers: Annotated[dict[str, str], OURS] = {}
    """Headers of the message. Of our dialect."""
    jetstream: Annotated[JetStream | None, OURS] = None

    @model_validator(mode="after")
    def _addressable(self) -> "NatsSpec":
        servers(self.url)
        check_subject(self.subject)
        return self


def servers(url: str) -> tuple[str, ...]:
    """The servers in `url`. Raises `ValueError` naming the one that is none."""
    found = tuple(part.strip() for part in url.split(","))
    for server in found:
        scheme, separator, rest = server.rpartition("://")
        if separator and scheme not in ("nats", "tls", "ws", "wss"):
            raise ValueError(f"{_plain(server)!r} is not a NATS server; write nats://HOST:PORT")
        if not rest.rpartition("@")[2].strip("/"):
            raise ValueError(f"{_plain(server)!r} names no host; write nats://HOST:PORT")
    return found


def _plain(server: str) -> str:
    """`server` without a user and password in it."""
    scheme, separator, rest = server.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def shown_url(url: str) -> str:
    """`url` as it may be shown."""
    return ",".join(_plain(server) for server in servers(url))


def check_subject(subject: str) -> str:
    """`subject` where a message can be published to it; raises `ValueError`."""
    tokens = subject.split(".")
    if any(character.isspace() for character in subject) or not all(tokens):
        raise ValueError(f"{subject!r} is no subject: words separated by single dots, without blanks")
    if _WILDCARDS.intersection(tokens):
        raise ValueError(f"{subject!r} has a wildcard; a message is published to one subject")
    return subject
