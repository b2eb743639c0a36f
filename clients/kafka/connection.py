"""Connections to a Kafka cluster: from a declaration and its secrets to what the client library is told."""

import asyncio
import logging
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from clients.credentials import Credentials
from clients.extras import needs_extra
from clients.kafka.declared import BEARER, MskIam, Sasl, brokers
from clients.kafka.token_endpoint import TokenEndpoint
from clients.kept_tls import KeptTLS
from clients.tls import TLSMaterial, tls_context
from manifests.fields import TLSConfig
from manifests.secrets import Values

if TYPE_CHECKING:
    from aiokafka.client import AIOKafkaClient

REQUEST_TIMEOUT_S = 15.0
"""Seconds for one answer of a broker, and for all tries of sending one batch."""
_TOPIC_PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.5)
"""Seconds between asking for a topic that the broker does not know: a busy one hears late of a topic that was just made."""

NOT_INSTALLED = needs_extra("Kafka", "kafka")


class NotInstalled(RuntimeError):
    """The client library is missing; the message names what to install."""


class UnknownTopic(Exception):
    """The cluster answers, and has no such topic."""


class RegistryUnavailable(Exception):
    """A registry of schemas does not answer as one; trying again may help. The message says why."""


class Connection(NamedTuple):
    """A cluster as one user sees it. Equal ones can share connections. It never prints its password."""

    brokers: tuple[str, ...]
    tls: TLSMaterial | None = None
    mechanism: str = ""
    user: str = ""
    password: str = ""
    """With OAUTHBEARER the token, unless it comes from elsewhere."""
    endpoint: TokenEndpoint | None = None
    region: str = ""
    """Of Amazon MSK, where AWS says who we are."""

    def __repr__(self) -> str:
        return f"Connection({self.where})"

    @property
    def where(self) -> str:
        """The brokers, for messages."""
        return f"Kafka at {', '.join(self.brokers)}"

    def arguments(self) -> Mapping[str, Any]:
        """What every client of the library is told. Raises `ValueError` where certificates cannot be used."""
        protocol = {(False, False): "PLAINTEXT", (True, False): "SSL", (False, True): "SASL_PLAINTEXT", (True, True): "SASL_SSL"}
        told: dict[str, Any] = {
            "bootstrap_servers": list(self.brokers),
            "security_protocol": protocol[self.tls is not None, bool(self.mechanism)],
            "request_timeout_ms": int(1000 * REQUEST_TIMEOUT_S),
            "client_id": "tocsin",
        }
        if self.tls is not None:
            told["ssl_context"] = tls_context(self.tls)
        if self.mechanism == BEARER:
            from clients.kafka.tokens import provider_for  # noqa: PLC0415 - heavy: only who needs tokens pays for it

            told |= {
                "sasl_mechanism": BEARER,
                "sasl_oauth_token_provider": provider_for(self.region, self.endpoint, self.user, self.password),
            }
        elif self.mechanism:
            told |= {"sasl_mechanism": self.mechanism, "sasl_plain_username": self.user, "sasl_plain_password": self.password}
        return told


def resolve(
    url: str,
    tls: TLSConfig | None,
    sasl: Sasl | None,
    *,
    namespace: str,
    values: Values,
    kept: KeptTLS,
    msk: MskIam | None = None,
) -> Connection:
    """Read the secrets as they are now; `kept` gives the certificates that could be used last where the newest cannot. `msk` is
    the login where it is given, over TLS.

    Raises `SecretMissing`, or `ValueError` where one cannot be used.
    """
    read = Credentials(namespace, values)
    tls = TLSConfig(enabled=True) if tls is None and msk is not None else tls
    material = None if tls is None else kept.usable(lambda: read.tls(tls))
    if msk is not None:
        return Connection(brokers(url), material, BEARER, region=msk.region)
    if sasl is None:
        return Connection(brokers(url), material)
    user, password = read.text(sasl.user_secret), read.text(sasl.password_secret)
    oauth = sasl.oauth
    endpoint = None if oauth is None else TokenEndpoint(oauth.token_url, oauth.scope, read.bytes(oauth.ca_cert_secret))
    return Connection(brokers(url), material, sasl.mechanism or "PLAIN", user, password, endpoint)


def require_msk() -> None:
    """Raise `NotInstalled` where AWS cannot be asked who we are."""
    if find_spec("botocore") is None:
        raise NotInstalled(needs_extra("awsMskIamAuth", "msk", than="this installation has"))


def is_installed() -> bool:
    """Whether the client library is there; it is not imported."""
    return find_spec("aiokafka") is not None


def require_library() -> None:
    """Raise `NotInstalled` where the client library cannot be imported."""
    try:
        import aiokafka  # noqa: F401, PLC0415 - heavy: only a process that talks to Kafka pays for it
    except ImportError as exc:
        raise NotInstalled(NOT_INSTALLED) from exc
    # It logs every try of every connection; what matters comes as an exception and is said once, by whoever handles it.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def require_avro() -> None:
    """Raise `NotInstalled` where Avro cannot be read."""
    if find_spec("fastavro") is None:
        raise NotInstalled(needs_extra("schemaRegistry", "kafka", than="this installation has"))


async def partitions_of(client: "AIOKafkaClient", topic: str, *, anew: bool = False) -> frozenset[int]:
    """The partitions of `topic`, asked for where they are not known or `anew` is given.

    Raises `UnknownTopic` where the cluster says so for three seconds, and errors of the library.
    """
    from aiokafka.errors import KafkaConnectionError, TopicAuthorizationFailedError  # noqa: PLC0415 - see above

    if not anew and (found := client.cluster.partitions_for_topic(topic)):
        return frozenset(found)
    client.add_topic(topic)
    async with asyncio.timeout(REQUEST_TIMEOUT_S):
        for pause_s in (*_TOPIC_PAUSES_S, None):
            if not await client.force_metadata_update():
                raise KafkaConnectionError("no broker answers")
            if found := client.cluster.partitions_for_topic(topic):
                return frozenset(found)
            if topic in client.cluster.unauthorized_topics:
                raise TopicAuthorizationFailedError(topic)
            if pause_s is not None:
                await asyncio.sleep(pause_s)
    raise UnknownTopic(f"there is no topic {topic!r}")
