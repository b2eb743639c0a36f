"""Whether a declared TLS configuration says enough to connect."""

from typing import Annotated

from pydantic import AfterValidator

from manifests.fields import TLSConfig


def check_tls(tls: TLSConfig | None) -> TLSConfig | None:
    """`tls` where it says enough to connect; raises `ValueError`."""
    if tls is None or tls.insecure_skip_verify or tls.enabled:
        return tls
    if (tls.client_cert_secret is None) != (tls.client_key_secret is None):
        raise ValueError("clientCertSecret and clientKeySecret come together")
    if tls.ca_cert_secret is None and tls.client_cert_secret is None:
        raise ValueError("set caCertSecret, or a client certificate and its key, or insecureSkipVerify, or enabled")
    return tls


Tls = Annotated[TLSConfig | None, AfterValidator(check_tls)]
"""TLS of a client's connections; without it they are plain."""
