"""The `slack` trigger: one message to a channel, or to a thread of it.

Semantics: Argo Events' `pkg/sensors/triggers/slack`; what differs is in `docs/triggers/slack.md`.
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
from sensors.triggers.fitted import Fitted
from sensors.triggers.memory import Memory
from sensors.triggers.rewriting import honoured, ignored
from sensors.triggers.slack_posting import Post, Threads
from sensors.triggers.slack_spec import SlackSpec, complete
from sensors.triggers.trigger import Delivered, Trigger, TriggerContext, triggers

NOT_INSTALLED = needs_extra("Slack", "slack")


class SlackTrigger(DeclarationTrigger[SlackSpec]):
    """One compiled slack trigger."""

    def __init__(self, declared: DeclaredTrigger, context: TriggerContext) -> None:
        dialect = context.dialect
        settle = ignored if dialect is Dialect.ARGO else honoured
        super().__init__(Fitted(declared, SlackSpec, lambda spec: complete(spec, dialect), dialect=dialect, settle=settle))
        self._credentials = Credentials(context.namespace, context.values)
        self._threads, self._memory = context.shared.get(Threads), context.shared.get(Memory)

    def show(self, request: bytes) -> Mapping[str, Any]:
        """The message, its channel and thread."""
        spec = self._read(request)
        shown: dict[str, Any] = {"channel": spec.target, "message": spec.message}
        shown |= {name: text for name, text in (("attachments", spec.attachments), ("blocks", spec.blocks)) if text}
        for name, part in (("thread", spec.thread), ("sender", spec.sender)):
            if set_ := part.model_dump(by_alias=True, exclude_defaults=True):
                shown[name] = set_
        return shown

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        """Post the message."""
        spec = self._read(request)
        with available():
            token = self._credentials.text(spec.slack_token).strip()
        post = Post(spec.said(), idempotency_key, spec.thread_key, spec.thread.broadcast_message_to_channel)
        return Delivered(detail=f"message {await self._threads.post(token, post, self._memory)}")


@triggers.register
class SlackKind:
    """The kind `slack`."""

    key: ClassVar[str] = "slack"
    spec: ClassVar[type[Spec]] = SlackSpec

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied. Raises `ValueError` naming the field that cannot work."""
        if context.acts and find_spec("slack_sdk") is None:
            raise ValueError(NOT_INSTALLED)
        return SlackTrigger(declared, context)
