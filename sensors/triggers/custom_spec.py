"""What a `custom` trigger lets a user write."""

import json
import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from manifests.fields import SecretRef, Spec
from manifests.objects import Parameter

_TARGET = re.compile(
    r"(?:(?:dns|passthrough):(?:///)?)?(?P<address>(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?)", re.ASCII
)
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def target(url: str) -> str:
    """The address in `url` as gRPC takes it. Raises `ValueError` where it is none."""
    found = _TARGET.fullmatch(url)
    if found is None or not 0 < int(found["port"] or 443) <= 65535:
        raise ValueError(f"{url!r} is no address of a gRPC service; write host:port, such as actions.shop.svc:50051")
    return found["address"]


def _checked(url: str) -> str:
    target(url)
    return url


class CustomSpec(Spec):
    """One action of a user's own gRPC service."""

    server_url: Annotated[str, AfterValidator(_checked)] = Field(alias="serverURL")
    """`host:port` of the service; also `dns:///host:port`. Port 443 unless given."""
    secure: bool = False
    """Speak TLS; `certSecret` says whom to trust."""
    cert_secret: SecretRef | None = None
    """PEM of the authority, or of the service's own certificate."""
    server_name_override: str = ""
    """The name in the service's certificate, where it is not the host."""
    spec: dict[str, str]
    """Handed to the service, which knows what it means."""
    parameters: list[Parameter] = []
    """Applied to the resource that the service answers with, which must be a JSON object then."""
    payload: list[Parameter] = []
    """Builds what is handed over beside the resource; without it nothing is."""

    @model_validator(mode="after")
    def _trusts_somebody(self) -> "CustomSpec":
        if self.secure and self.cert_secret is None:
            raise ValueError("secure needs certSecret: the certificate of the authority that the service is to be known by")
        return self

    def as_yaml(self) -> bytes:
        """`spec` as YAML, members sorted."""
        lines = [f"{_quoted(name)}: {_quoted(text)}\n" for name, text in sorted(self.spec.items())]
        return "".join(lines or ["{}\n"]).encode()


def _quoted(text: str) -> str:
    """`text` in YAML that nobody takes for something else: what is written in JSON is, but for some characters."""
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
