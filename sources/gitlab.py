"""The `gitlab` source: GitLab's webhooks, verified before they are read."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from hmac import compare_digest
from time import time
from urllib.parse import quote

from pydantic import Field, model_validator

from manifests.fields import SecretRef
from sources.http.answers import Refused
from sources.http.endpoint import SourceFilter
from sources.http.hooks import Hooks
from sources.http.provider import ProviderSource, ProviderSpec
from sources.http.provider_api import HookProblem
from sources.http.signatures import STANDARD_PREFIX, verify_standard
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

    members = frozenset(("headers", "body", "metadata"))

    delivery_headers = ("Idempotency-Key", "webhook-id", "X-Gitlab-Event-UUID")

    @property
    def secrets(self) -> Sequence[tuple[str, SecretRef]]:
        """The one token."""
        return [("secretToken", self.spec.secret_token)] if self.spec.secret_token else []

    @property
    def keeps_hooks(self) -> bool:  # type: ignore[override]
        """Where there is a public URL and something to hook."""
        return bool(self.spec.webhook.url and (self.spec.projects or self.spec.project_id or self.spec.groups))

    def verify(self, request: Received) -> None:
        """By signature where the secret is a signing key, else by the token, whether or not hooks are registered."""
        expected = [self.secret(ref) for _, ref in self.secrets]
        if any(value.startswith(STANDARD_PREFIX) for value in expected):
            verify_standard(request.headers, request.body, expected, now_s=time())
            return
        given = request.headers.getall(_TOKEN, [])
        if len(given) != 1:
            raise Refused(401, f"expected exactly one {_TOKEN}; set the hook's secret token at GitLab")
        token = given[0].encode("utf-8", "surrogateescape")
        if not any(compare_digest(token, value) for value in expected):
            raise Refused(401, f"{_TOKEN} is not the one of this endpoint; check that both sides have the same token")

    def warnings(self) -> list[str]:
        """Say what is not done for the declaration."""
        said = [] if self.secrets else ["secretToken: missing; deliveries are not verified, so anyone can send them"]
        for event in self.spec.events:
            if _snake(event) not in _ALL_EVENTS:
                near = get_close_matches(event, map(_camel, _ALL_EVENTS), n=1)
                hint = f" (did you mean {near[0]}?)" if near else ""
                said.append(f"events: GitLab ignores names that it does not know, such as, maybe, {event!r}{hint}")
        return said

    def hooks(self) -> Hooks:
        """See `HookedSource.hooks`."""
        spec = self.spec
        projects = spec.projects or ([spec.project_id] if spec.project_id else [])
        body: dict[str, object] = dict.fromkeys(_EVENTS, False)
        body.update(dict.fromkeys(map(_snake, spec.events), True))
        body.update(url=self.public_url, enable_ssl_verification=spec.enable_ssl_verification)
        if spec.secret_token:
            body["token"] = self.credential(spec.secret_token, "secretToken")
            if str(body["token"]).startswith(STANDARD_PREFIX.decode()):
                raise HookProblem(
                    "secretToken: a signing token is made at GitLab; add the hook there by hand, and leave out webhook.url"
                )
        return Hooks(
            base=spec.gitlab_base_url.rstrip("/") + "/api/v4",
            headers={"PRIVATE-TOKEN": self.credential(spec.access_token, "accessToken").strip()},
            places=[
                *(f"/projects/{quote(project, safe='')}/hooks" for project in projects),
                *(f"/groups/{quote(group, safe='')}/hooks" for group in spec.groups),
            ],
            url=self.public_url,
            body=body,
            update="PUT",
            url_of=lambda hook: hook.get("url"),
            differs=lambda hook, wanted: any(hook.get(key, value) != value for key, value in wanted.items()),
        )


def _camel(field: str) -> str:
    return "".join(part.capitalize() for part in field.split("_"))


def _snake(event: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event).lower()


_EVENTS = (
    "push_events",
    "tag_push_events",
    "issues_events",
    "confidential_issues_events",
    "merge_requests_events",
    "note_events",
    "confidential_note_events",
    "job_events",
    "pipeline_events",
    "wiki_page_events",
    "emoji_events",
)
"""What a hook sends unless told otherwise, so all of them are said."""
_ALL_EVENTS = (
    *_EVENTS,
    "deployment_events",
    "feature_flag_events",
    "releases_events",
    "milestone_events",
    "member_events",
    "project_events",
    "subgroup_events",
    "resource_access_token_events",
    "resource_deploy_token_events",
    "vulnerability_events",
)
"""What GitLab's API of project and group hooks knows."""
