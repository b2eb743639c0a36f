"""The `bitbucket` source: webhooks of Bitbucket Cloud."""

from base64 import b64encode
from collections.abc import Sequence
from urllib.parse import quote

from pydantic import model_validator

from manifests.fields import SecretRef, Spec
from sources.http.endpoint import SourceFilter
from sources.http.hooks import Hooks, events_differ
from sources.http.provider import ProviderSource, ProviderSpec
from sources.http.provider_api import HookProblem
from sources.http.signatures import SCHEMES, verify
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

    members = frozenset(("headers", "body", "metadata"))

    api = "https://api.bitbucket.org/2.0"
    delivery_headers = ("X-Request-UUID",)

    @property
    def secrets(self) -> Sequence[tuple[str, SecretRef]]:
        """The one secret."""
        return [("webhookSecret", self.spec.webhook_secret)] if self.spec.webhook_secret else []

    @property
    def keeps_hooks(self) -> bool:  # type: ignore[override]
        """Where there is a public URL and credentials."""
        auth = self.spec.auth
        return bool(self.spec.webhook.url and auth and (auth.basic or auth.oauth_token))

    def hooks(self) -> Hooks:
        """See `HookedSource.hooks`."""
        spec = self.spec
        owned = [(one.owner, one.repository_slug) for one in spec.repositories] or [(spec.owner, spec.repository_slug)]
        body: dict[str, object] = {
            "description": "Tocsin",
            "url": self.public_url,
            "active": True,
            "events": sorted(set(spec.events)),
        }
        if spec.webhook_secret:
            body["secret"] = self.credential(spec.webhook_secret, "webhookSecret")
        return Hooks(
            base=self.api,
            headers={"Authorization": self._authorization()},
            places=[f"/repositories/{quote(owner, safe='')}/{quote(slug, safe='')}/hooks" for owner, slug in owned],
            url=self.public_url,
            body=body,
            update="PUT",
            url_of=lambda hook: hook.get("url"),
            differs=events_differ,
            page_query="pagelen=100",
            id_key="uuid",
        )

    def _authorization(self) -> str:
        auth = self.spec.auth or CloudAuth()
        if auth.basic is not None:
            user = self.credential(auth.basic.username, "auth.basic.username").strip()
            password = self.credential(auth.basic.password, "auth.basic.password").strip()
            return "Basic " + b64encode(f"{user}:{password}".encode()).decode()
        if auth.oauth_token is None:
            raise HookProblem("auth: missing")
        return f"Bearer {self.credential(auth.oauth_token, 'auth.oauthToken').strip()}"

    def verify(self, request: Received) -> None:
        """By the signature of the body."""
        verify(_SIGNATURE, request.headers, request.body, [self.secret(ref) for _, ref in self.secrets])

    def warnings(self) -> list[str]:
        """Say what is not done for the declaration."""
        said = []
        if self.spec.webhook.url and not self.keeps_hooks:
            said.append("auth: missing; hooks are not registered at Bitbucket without credentials, so add the hook there by hand")
        if not self.secrets and self.spec.webhook.auth_secret is None:
            said.append("webhookSecret: missing; deliveries are not verified, so anyone can send them")
        return said
