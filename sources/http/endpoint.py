"""The fields by which every kind that is called says where it listens."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from manifests.fields import EventFilter, SecretRef, Spec
from sources.http.paths import template

DEFAULT_MAX_PAYLOAD = 1024 * 1024


def check_path(path: str) -> str:
    """Return `path`; raises `ValueError` where no request can have it."""
    template(path)
    return path


def check_port(port: str) -> str:
    """Return `port`; raises `ValueError` where it is no TCP port."""
    if not port:
        raise ValueError('missing; expected a port in quotes, such as "12000"')
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ValueError('expected a port from 1 to 65535 in quotes, such as "12000"')
    return port


SourceFilter = EventFilter | None
"""What events must pass to be taken; the service sees to it."""


class Endpoint(Spec):
    """Where a source listens and whom it lets in; the `webhook` of Argo Events' HTTP kinds."""

    endpoint: Annotated[str, AfterValidator(check_path)] = Field(default="", validate_default=True)
    """Request path, matched exactly, byte by byte. `{name}` stands for one segment, `{name:pattern}` for what the RE2 pattern
    matches; a path with either is matched as it is decoded."""
    port: Annotated[str, AfterValidator(check_port)] = Field(default="", validate_default=True)
    """TCP port, in quotes. `"0"` takes a free one."""
    method: str = ""
    """Request method; only the `webhook` kind looks at it."""
    url: str = ""
    """Public base URL, where a provider is told to send its hooks to."""
    server_cert_secret: SecretRef | None = None
    """PEM certificate chain; with `serverKeySecret` the port speaks TLS."""
    server_key_secret: SecretRef | None = None
    """PEM private key, without a passphrase."""
    auth_secret: SecretRef | None = None
    """Bearer token that every request must carry."""
    metadata: dict[str, str] = {}
    """Copied into the data of events of kind `webhook`."""
    max_payload_size: int = Field(default=DEFAULT_MAX_PAYLOAD, gt=0)
    """Bytes of a body, both as sent and after decompression."""

    @model_validator(mode="after")
    def _certificate_has_key(self) -> "Endpoint":
        if (self.server_cert_secret is None) != (self.server_key_secret is None):
            raise ValueError("serverCertSecret and serverKeySecret go together; one alone would serve without TLS")
        return self
