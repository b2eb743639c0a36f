"""The `gitlab` source: GitLab's webhooks, verified before they are read."""

from collections.abc import Sequence
from hmac import compare_digest
from time import time

from pydantic import Field, model_validator

from manifests.fields import SecretRef
from sources.http.answers import Refused
from sources.http.endpoint import SourceFilter
from sources.http.provider import ProviderSource, ProviderSpec
from sources.http.signatures import STANDARD_PREFIX, NotVerified, verify_standard
from sources.http.source import Received
from sources.source import sources

_TOKEN = "X-Gitlab-Token"  # noqa: S105 - a header's name


class GitlabSpec(ProviderSpec):
    """Deliveries of GitLab for projects or groups."""

    gitlab_base_url: str = Field(alias="gitlabBaseURL", min_length=1)
    """GitLab, such as `https://gitlab.com`; `/api/v4` is added."""
    access_token: SecretRef
    """Token to register hooks with."""
    events: list[str] = Field(min_length=1)
    """What hooks are registered for, such as `PushEvents`."""
    projects: list[str] = []
    """Ids or paths of projects, such as `group/project`."""
    project_id: str = Field(default="", alias="projectID")
    """One project, where `projects` is empty; `projects` is the better way."""
    groups: list[str] = []
    """Ids or names of groups."""
    secret_token: SecretRef | None = None
    """What deliveries must carry as `X-Gitlab-Token`; where it begins with `whsec_`, the key that they are signed with."""
    enable_ssl_verification: bool = Field(default=False, alias="enableSSLVerification")
    """Whether hooks are registered with verification of our certificate."""
    filter: SourceFilter = None

    @model_validator(mode="after")
    def _events_are_named(self) -> "GitlabSpec":
        if any(not event.endswith("Events") for event in self.events):
            raise ValueError("events: expected names such as PushEvents, TagPushEvents or MergeRequestsEvents")
        return self


@sources.register("gitlab", spec=GitlabSpec)
class Gitlab(ProviderSource[GitlabSpec]):
    """The delivery's `Idempotency-Key` is the event's id: GitLab repeats it with each try.

    Semantics: Argo Events 1.9, `pkg/eventsources/sources/gitlab`; GitLab, "Webhooks", headers and signing tokens. What
    differs is in `docs/sources/gitlab.md`.
    """

    delivery_headers = ("Idempotency-Key", "webhook-id", "X-Gitlab-Event-UUID")

    @property
    def secrets(self) -> Sequence[tuple[str, SecretRef]]:
        """The one token."""
        return [("secretToken", self.spec.secret_token)] if self.spec.secret_token else []

    def verify(self, request: Received) -> None:
        """By signature where the secret is a signing key, else by the token, whether or not hooks are registered."""
        expected = [self.secret(ref) for _, ref in self.secrets]
        if any(value.startswith(STANDARD_PREFIX) for value in expected):
            try:
                verify_standard(request.headers, request.body, expected, now_s=time())
            except NotVerified as exc:
                raise Refused(401, str(exc)) from None
            return
        given = request.headers.getall(_TOKEN, [])
        if len(given) != 1:
            raise Refused(401, f"expected exactly one {_TOKEN}; set the hook's secret token at GitLab")
        token = given[0].encode("utf-8", "surrogateescape")
        if not any(compare_digest(token, value) for value in expected):
            raise Refused(401, f"{_TOKEN} is not the one of this endpoint; check that both sides have the same token")

    def warnings(self) -> list[str]:
        """Say what is not done for the declaration."""
        said = []
        if self.spec.webhook.url and (self.spec.projects or self.spec.project_id or self.spec.groups):
            said.append("projects, groups: hooks are not registered at GitLab yet; add the hook there by hand")
        if not self.secrets:
            said.append("secretToken: missing; deliveries are not verified, so anyone can send them")
        return said
