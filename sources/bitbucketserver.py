"""The `bitbucketserver` source: webhooks of Bitbucket Data Center, verified before they are read."""

from collections.abc import Sequence
from datetime import timedelta

from pydantic import Field, model_validator

from manifests.fields import Duration, SecretRef, Spec, TLSConfig
from sources.http.answers import Refused
from sources.http.endpoint import SourceFilter
from sources.http.provider import ProviderSource, ProviderSpec
from sources.http.signatures import SCHEMES, NotVerified, verify
from sources.http.source import Received
from sources.source import sources

_SIGNATURE = SCHEMES["bitbucketserver"]


class ServerRepository(Spec):
    """One repository."""

    project_key: str = ""
    """Key of its project."""
    repository_slug: str = ""
    """Its slug."""


class BitbucketServerSpec(ProviderSpec):
    """Deliveries of Bitbucket Data Center for repositories or projects."""

    bitbucketserver_base_url: str = Field(alias="bitbucketserverBaseURL", min_length=1)
    """REST base, `/rest` included."""
    repositories: list[ServerRepository] = []
    """Repositories to hook."""
    projects: list[str] = []
    """Keys of projects whose repositories are all hooked."""
    project_key: str = ""
    """One project's key, where `repositories` is empty; `repositories` is the better way."""
    repository_slug: str = ""
    """One repository of `projectKey`, where `repositories` is empty."""
    events: list[str] = []
    """What hooks are registered for, such as `repo:refs_changed`."""
    access_token: SecretRef | None = None
    """Token to register hooks with."""
    webhook_secret: SecretRef | None = None
    """Secret that deliveries are signed with."""
    check_interval: Duration = timedelta(seconds=60)
    """How often registered hooks are looked at."""
    skip_branch_refs_changed_on_open_pr: bool = Field(default=False, alias="skipBranchRefsChangedOnOpenPR")
    """Not supported yet."""
    one_event_per_change: bool = False
    """Not supported yet."""
    tls: TLSConfig | None = None
    """For calls of the server's API."""
    filter: SourceFilter = None

    @model_validator(mode="after")
    def _can_be_served(self) -> "BitbucketServerSpec":
        if self.skip_branch_refs_changed_on_open_pr:
            raise ValueError("skipBranchRefsChangedOnOpenPR is not supported yet; filter in the sensor instead")
        if self.one_event_per_change:
            raise ValueError("oneEventPerChange is not supported yet; each delivery is one event with all its changes")
        if self.registers_hooks and not self.events:
            raise ValueError("events: missing; with accessToken and webhook.url expected event names such as repo:refs_changed")
        return self

    @property
    def registers_hooks(self) -> bool:
        """Whether hooks at the server are asked for."""
        named = self.repositories or self.projects or (self.project_key and self.repository_slug)
        return bool(self.access_token and self.webhook.url and named)


@sources.register("bitbucketserver", spec=BitbucketServerSpec)
class BitbucketServer(ProviderSource[BitbucketServerSpec]):
    """The delivery's `X-Request-Id` is the event's id.

    Semantics: Argo Events 1.9, `pkg/eventsources/sources/bitbucketserver`; what differs is in `docs/sources/bitbucketserver.md`.
    """

    delivery_headers = ("X-Request-Id",)

    @property
    def secrets(self) -> Sequence[tuple[str, SecretRef]]:
        """The one secret."""
        return [("webhookSecret", self.spec.webhook_secret)] if self.spec.webhook_secret else []

    def verify(self, request: Received) -> None:
        """By the signature of the body, whether or not hooks are registered."""
        try:
            verify(_SIGNATURE, request.headers, request.body, [self.secret(ref) for _, ref in self.secrets])
        except NotVerified as exc:
            raise Refused(401, str(exc)) from None

    def warnings(self) -> list[str]:
        """Say what is not done for the declaration."""
        said = []
        if self.spec.registers_hooks:
            said.append("accessToken: hooks are not registered at the server yet; add the hook there by hand")
        if not self.secrets:
            said.append("webhookSecret: missing; deliveries are not verified, so anyone can send them")
        return said
