"""What an `email` trigger lets a user write."""

import re

from pydantic import Field

from manifests.fields import SecretRef
from sensors.triggers.rewriting import ParametrisedSpec

_ADDRESS = re.compile(r"[^\s@<>,;:\"\\()\[\]]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_SUBMISSION, _RELAY = 587, 25


class EmailSpec(ParametrisedSpec):
    """One plain-text mail to each address."""

    host: str = Field(min_length=1)
    """The mail server."""
    port: int = Field(default=0, ge=0, lt=65536)
    """587 where there is a user name, else 25, unless set. 465 speaks TLS from the start."""
    username: str = ""
    smtp_password: SecretRef | None = Field(default=None, alias="smtpPassword")
    from_: str = Field(default="", alias="from")
    """The sender; the user name unless set."""
    to: list[str] = []
    subject: str = ""
    body: str = ""

    @property
    def port_used(self) -> int:
        """The port that is connected to."""
        return self.port or (_SUBMISSION if self.username else _RELAY)

    @property
    def sender(self) -> str:
        """The sender's address."""
        return self.from_ or self.username


def complete(spec: EmailSpec) -> EmailSpec:
    """`spec` where it makes a mail; raises `ValueError` naming what it lacks."""
    for name, value in (("to", spec.to), ("subject", spec.subject), ("body", spec.body)):
        if not value:
            raise ValueError(f"{name} is empty; a mail needs it")
    for name, addresses in (("from", [spec.sender]), ("to", spec.to)):
        for address in addresses:
            if not is_address(address):
                raise ValueError(f"{name}: {address!r} is not a mail address; write one such as team@example.com")
    if "\n" in spec.subject or "\r" in spec.subject:
        raise ValueError("subject has a line break")
    return spec


def is_address(text: str) -> bool:
    """Whether a mail can be sent to `text`."""
    return _ADDRESS.fullmatch(text) is not None
