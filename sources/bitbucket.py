"""The `bitbucket` source: webhooks of Bitbucket Cloud."""

from collections.abc import Sequence

from pydantic import model_validator

from manifests.fields import SecretRef, Spec
from sources.http.answers import Refused
from sources.http.endpoint import SourceFilter
from sources.http.provider import ProviderSource, ProviderSpec
from sources.http.signatures import SCHEMES, NotVerified, verify
from sources.http.source import Received
from sources.source import sources

_SIGNATURE = SCHEMES["bitbucketserver"]


class CloudRepository(Spec):
    """One repository."""

    owner: str = ""
    """Workspace."""
    repository_slug: str = ""
    """Its slug."""


class BasicCredentials(Spec):
    """User and app password."""

    username: SecretRef
    """Name of the user."""
    password: SecretRef
    """App password."""


class CloudAuth(Spec):
    """Credentials to register hooks with; `basic` wins."""

    basic: BasicCredentials | None = None
    """User and app password."""
    oauth_token: SecretRef | None = None
    """Bearer token."""


class BitbucketSpec(ProviderSpec):
    """Deliveries of Bitbucket Cloud for repositories."""

    auth: CloudAuth | None = None
    """Credentials to register hooks with."""
    repositories: list[CloudRepository] = []
    """Repositories to hook."""
    owner: str = ""
    """One workspace, where `repositories` is empty; `repositories` is the better way."""
    repository_slug: str = ""
    """One repository of `owner`, where `repositories` is empty."""
    project_key: str = ""
    """Accepted for compatibility; unused."""
    events: list[str] = []
    """What hooks are registered for, such as `repo:push`."""
    webhook_secret: SecretRef | None = None
    """Secret that deliveries are signed with. Argo Events has no such field, and verifies nothing."""
    filter: SourceFilter = None

    @model_validator(mode="after")
    def _names_its_origin(self) -> "BitbucketSpec":
        if not self.repositories and not (self.owner and self.repository_slug):
            raise ValueError("expected repositories ([{owner, repositorySlug}])")
        if self.webhook.url and not self.events:
            raise ValueError("events: missing; with webhook.url expected event names such as repo:push")
        return self


@sources.register("bitbucket", spec=BitbucketSpec)
class Bitbucket(ProviderSource[BitbucketSpec]):
    """The delivery's `X-Request-UUID` is the event's id.

    Semantics: Argo Events 1.9, `pkg/eventsources/sources/bitbucket`; Bitbucket Cloud, "Manage webhooks", `X-Hub-Signature`. What
    differs is in `docs/sources/bitbucket.md`.
    """

    delivery_headers = ("X-Request-UUID",)

    @property
    def secrets(self) -> Sequence[tuple[str, SecretRef]]:
        """The one secret."""
        return [("webhookSecret", self.spec.webhook_secret)] if self.spec.webhook_secret else []

    def verify(self, request: Received) -> None:
        """By the signature of the body."""
        try:
            verify(_SIGNATURE, request.headers, request.body, [self.secret(ref) for _, ref in self.secrets])
        except NotVerified as exc:
            raise Refused(401, str(exc)) from None

    def warnings(self) -> list[str]:
        """Say what is not done for the declaration."""
        said = []
        if self.spec.webhook.url:
            said.append("webhook.url: hooks are not registered at Bitbucket yet; add the hook there by hand")
        if not self.secrets and self.spec.webhook.auth_secret is None:
            said.append("webhookSecret: missing; deliveries are not verified, so anyone can send them")
        return said
