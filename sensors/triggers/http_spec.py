"""What an `http` trigger lets a user write."""

from typing import Literal

from pydantic import Field

from manifests.fields import BasicAuth, TLSConfig
from manifests.objects import Parameter
from sensors.triggers.rewriting import ParametrisedSpec
from sensors.triggers.secure_header import SecureHeader

DEFAULT_TIMEOUT_S = 60


class HttpSpec(ParametrisedSpec):
    """One HTTP request. Headers are set in the order headers, dynamic, secure, basic auth; later ones replace earlier ones."""

    url: str = Field(min_length=1)
    """Absolute, `http` or `https`."""
    payload: list[Parameter] = []
    """Builds the body; without one there is none. Sent with every method."""
    tls: TLSConfig | None = None
    method: Literal["", "GET", "DELETE", "PATCH", "POST", "PUT"] = ""
    """POST unless set."""
    timeout: int = Field(default=0, ge=-(2**63), le=2**63 - 1)
    """Seconds for one attempt; 60 unless it is above 0."""
    basic_auth: BasicAuth | None = None
    headers: dict[str, str] = {}
    """Names are sent as written."""
    secure_headers: list[SecureHeader] = []
    dynamic_headers: list[Parameter] = []
    """Header values taken from the events, always as text; `dest` is the header's name."""
    host: str = ""
    """Replaces the Host header; the address called and the TLS name stay those of the URL."""

    @property
    def timeout_s(self) -> float:
        """Seconds for one attempt."""
        return float(self.timeout if self.timeout > 0 else DEFAULT_TIMEOUT_S)
