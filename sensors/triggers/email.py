"""The `email` trigger: a plain-text mail to each address, done when the mail server has taken all of them.

Semantics: Argo Events' `pkg/sensors/triggers/email`; what differs is in `docs/triggers/email.md`.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, ClassVar

from clients.credentials import Credentials
from clients.extras import needs_extra
from eventbus.chain import Chain
from manifests.fields import Spec
from manifests.objects import DeclaredTrigger, Dialect
from sensors.triggers.available import available
from sensors.triggers.declaration import DeclarationTrigger
from sensors.triggers.email_sending import Mail, Mailer, Server
from sensors.triggers.email_spec import EmailSpec, complete
from sensors.triggers.fitted import Fitted
from sensors.triggers.rewriting import honoured, ignored
from sensors.triggers.trigger import Delivered, Trigger, TriggerContext, triggers

NOT_INSTALLED = needs_extra("mail", "email")


class EmailTrigger(DeclarationTrigger[EmailSpec]):
    """One compiled email trigger."""

    def __init__(self, declared: DeclaredTrigger, context: TriggerContext) -> None:
        settle = ignored if context.dialect is Dialect.ARGO else honoured
        super().__init__(Fitted(declared, EmailSpec, complete, dialect=context.dialect, settle=settle))
        self._credentials = Credentials(context.namespace, context.values)
        self._mailer = context.shared.get(Mailer)

    def show(self, request: bytes) -> Mapping[str, Any]:
        """The mail, and where it is handed in."""
        spec = self._read(request)
        shown = {"host": spec.host, "port": spec.port_used, "username": spec.username, "from": spec.sender}
        return {**shown, "to": spec.to, "subject": spec.subject, "body": spec.body}

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        """Send the mails that have not been sent yet."""
        spec = self._read(request)
        with available():
            password = self._credentials.text(spec.smtp_password)
        server = Server(spec.host, spec.port_used, spec.username, password)
        sent = await self._mailer.send(server, Mail(spec.sender, spec.subject, spec.body), spec.to, idempotency_key)
        return Delivered(detail=f"{sent} sent")


@triggers.register
class EmailKind:
    """The kind `email`."""

    key: ClassVar[str] = "email"
    spec: ClassVar[type[Spec]] = EmailSpec

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied. Raises `ValueError` naming the field that cannot work."""
        if context.acts and find_spec("aiosmtplib") is None:
            raise ValueError(NOT_INSTALLED)
        return EmailTrigger(declared, context)
