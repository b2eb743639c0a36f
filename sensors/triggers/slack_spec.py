"""What a `slack` trigger lets a user write."""

from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import Field

from manifests.fields import SecretRef, Spec
from manifests.objects import Dialect
from sensors.triggers.rewriting import ParametrisedSpec


class Thread(Spec):
    """Messages that belong together: the first starts a thread, later ones are replies."""

    message_aggregation_key: str = ""
    broadcast_message_to_channel: bool = False
    """Show replies in the channel, too."""


class Sender(Spec):
    """Whose name the message carries."""

    username: str = ""
    icon: str = ""
    """`:name:`, or the URL of a picture."""


class SlackSpec(ParametrisedSpec):
    """One message to one channel."""

    slack_token: SecretRef
    channel: str = ""
    """A name, with or without `#`, or an id."""
    message: str = ""
    attachments: str = ""
    """A JSON array, as text."""
    blocks: str = ""
    """A JSON array, as text."""
    thread: Thread = Field(default_factory=Thread)
    sender: Sender = Field(default_factory=Sender)

    @property
    def target(self) -> str:
        """The channel as the API is told."""
        return self.channel.removeprefix("#")

    @property
    def thread_key(self) -> str:
        """What messages of one thread have in common; empty where each stands alone."""
        return self.thread.message_aggregation_key

    def said(self) -> Mapping[str, Any]:
        """Arguments of `chat.postMessage` that say what is posted, and by whom. Raises `ValueError`."""
        told: dict[str, Any] = {"channel": self.target}
        if self.message:
            told["text"] = self.message
        for name, text in (("attachments", self.attachments), ("blocks", self.blocks)):
            if text:
                told[name] = _array(name, text)
        if self.sender.username:
            told["username"] = self.sender.username
        icon = self.sender.icon
        if is_emoji(icon):
            told["icon_emoji"] = icon
        elif is_url(icon):
            told["icon_url"] = icon
        return told


def complete(spec: SlackSpec, dialect: Dialect) -> SlackSpec:
    """`spec` where it makes a message; raises `ValueError` naming what it lacks. Argo Events' manifests may have any `icon`."""
    if not spec.target:
        raise ValueError("channel is empty; name one, with or without #")
    if not (spec.message or spec.attachments or spec.blocks):
        raise ValueError("there is nothing to say: set message, attachments or blocks")
    icon = spec.sender.icon
    if icon and not is_emoji(icon) and not is_url(icon) and dialect is Dialect.TOCSIN:
        raise ValueError(f"sender.icon: {icon!r} is neither an emoji such as :bell: nor an http(s) URL")
    spec.said()
    return spec


def is_emoji(icon: str) -> bool:
    """Whether `icon` is the name of an emoji."""
    return len(icon) > 2 and icon.startswith(":") and icon.endswith(":")


def is_url(icon: str) -> bool:
    """Whether `icon` is the address of a picture."""
    return icon.startswith(("http://", "https://"))


def _array(name: str, text: str) -> list[Any]:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as exc:
        raise ValueError(f"{name} is not JSON: {exc}") from None
    if not isinstance(value, list):
        raise ValueError(f"{name} is a JSON {type(value).__name__}; it has to be an array")
    return value
