"""What a `pulsar` trigger lets a user write."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from clients.pulsar_connection import check_url
from manifests.fields import Backoff, SecretRef, TLSConfig
from manifests.objects import Parameter
from manifests.ours import OURS
from sensors.triggers.rewriting import ParametrisedSpec


class PulsarSpec(ParametrisedSpec):
    """One message to one topic."""

    url: Annotated[str, AfterValidator(check_url)]
    """`pulsar://HOST:PORT` or `pulsar+ssl://HOST:PORT`; several brokers of a cluster separated by commas."""
    topic: str = Field(min_length=1)
    """`NAME`, or `persistent://TENANT/NAMESPACE/NAME`."""
    payload: list[Parameter] = Field(min_length=1)
    """Builds the message."""
    tls: TLSConfig | None = None
    """`clientCertSecret` and `clientKeySecret`: the login by certificate."""
    tls_trust_certs_secret: SecretRef | None = None
    """PEM of the authority of the brokers' certificates; without it, the machine's own."""
    tls_allow_insecure_connection: bool = False
    """Take any broker for who it says it is."""
    tls_validate_hostname: bool | None = None
    """Whether the certificate must name the broker's host; yes unless set, in manifests of Argo Events no."""
    auth_token_secret: SecretRef | None = None
    """A token to log in with."""
    auth_athenz_params: dict[str, str] = {}
    """Refused: the client library cannot log in so."""
    auth_athenz_secret: SecretRef | None = None
    connection_backoff: Backoff | None = None
    """Tries of connecting within one attempt; one unless set."""
    properties: Annotated[dict[str, str], OURS] = {}
    """Properties of the message. Of our dialect."""
    deduplicate: Annotated[bool, OURS] = False
    """Have the broker recognise a repeat, where the topic's deduplication is enabled. Of our dialect."""

    @model_validator(mode="after")
    def _can_log_in(self) -> "PulsarSpec":
        tls = self.tls
        if tls is not None and (tls.client_cert_secret is None or tls.client_key_secret is None):
            raise ValueError(
                "tls is the login by certificate: set clientCertSecret and clientKeySecret; whom to trust is tlsTrustCertsSecret"
            )
        if self.auth_athenz_params and tls is None:  # which counts where both are there
            raise ValueError(
                "authAthenzParams: Pulsar's client library cannot log in by Athenz; use authTokenSecret, or a certificate in tls"
            )
        return self
