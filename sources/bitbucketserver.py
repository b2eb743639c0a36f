"""The `bitbucketserver` source: webhooks of Bitbucket Data Center, verified before they are read."""

from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Annotated, Any, NamedTuple
from urllib.parse import quote

from pydantic import BeforeValidator, Field, model_validator

from clients.tls import TLSMaterial, tls_context
from eventbus.event import UNPARSED, Event
from manifests.fields import Duration, SecretRef, Spec, TLSConfig
from sources.bitbucketserver_changes import Change, read_changes, with_changes
from sources.http.answers import Refused
from sources.http.endpoint import SourceFilter
from sources.http.hooks import Hooks, events_differ
from sources.http.payload import parse_json, written_anew
from sources.http.provider import ProviderSource, ProviderSpec
from sources.http.provider_api import HookProblem, Json, provider_api
from sources.http.signatures import SCHEMES, verify
from sources.http.source import Received, Reply, Taken
from sources.json_text import Decoded
from sources.source import sources

_SIGNATURE = SCHEMES["bitbucketserver"]
_REFS_CHANGED = "repo:refs_changed"
_PAGE = "limit=500"


_USUAL_INTERVAL = timedelta(seconds=60)


def _usual_if_empty(given: object) -> object:
    return _USUAL_INTERVAL if given == "" else given


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
    """Keys of projects whose repositories are all hooked, those that are made later too."""
    project_key: str = ""
    """One project's key, where `repositories` is empty; `repositories` is the better way."""
    repository_slug: str = ""
    """One repository of `projectKey`, where `repositories` is empty."""
    events: list[str] = []
    """What hooks are registered for, such as `repo:refs_changed`."""
    access_token: SecretRef | None = None
    """Token to register hooks with, and to ask for pull requests."""
    webhook_secret: SecretRef | None = None
    """Secret that deliveries are signed with."""
    check_interval: Annotated[Duration, BeforeValidator(_usual_if_empty)] = _USUAL_INTERVAL
    """How often registered hooks are looked at."""
    skip_branch_refs_changed_on_open_pr: bool = Field(default=False, alias="skipBranchRefsChangedOnOpenPR")
    """Whether pushes to a branch are left out while a pull request of it is open; needs `accessToken`."""
    one_event_per_change: bool = False
    """Whether a push of several branches or tags becomes one event for each."""
    tls: TLSConfig | None = None
    """For calls of the server's API."""
    filter: SourceFilter = None

    @model_validator(mode="after")
    def _can_be_served(self) -> "BitbucketServerSpec":
        if self.skip_branch_refs_changed_on_open_pr and not self.access_token:
            raise ValueError("skipBranchRefsChangedOnOpenPR: needs accessToken, with which the server is asked for pull requests")
        if self.registers_hooks and not self.events:
            raise ValueError("events: missing; with accessToken and webhook.url expected event names such as repo:refs_changed")
        if self.check_interval < timedelta(seconds=1):
            raise ValueError("checkInterval: expected at least 1s")
        return self

    @property
    def registers_hooks(self) -> bool:
        """Whether hooks at the server are asked for."""
        return bool(self.access_token and self.webhook.url and (self.projects or self.owned))

    @property
    def owned(self) -> list[tuple[str, str]]:
        """The repositories that are named one by one: project and slug."""
        if self.repositories:
            return [(one.project_key, one.repository_slug) for one in self.repositories]
        return [(self.project_key, self.repository_slug)] if self.project_key and self.repository_slug else []


@sources.register("bitbucketserver", spec=BitbucketServerSpec)
class BitbucketServer(ProviderSource[BitbucketServerSpec]):
    """The delivery's `X-Request-Id` is the event's id; with `oneEventPerChange`, `-` and the change's number from 1 follow.

    Semantics: Argo Events 1.9, `pkg/eventsources/sources/bitbucketserver`; what differs is in `docs/sources/bitbucketserver.md`.
    """

    members = frozenset(("headers", "body", "metadata"))

    delivery_headers = ("X-Request-Id",)

    @property
    def secrets(self) -> Sequence[tuple[str, SecretRef]]:
        """The one secret."""
        return [("webhookSecret", self.spec.webhook_secret)] if self.spec.webhook_secret else []

    @property
    def keeps_hooks(self) -> bool:  # type: ignore[override]
        """Where there is a public URL, a token and something to hook."""
        return self.spec.registers_hooks

    def verify(self, request: Received) -> None:
        """By the signature of the body, whether or not hooks are registered."""
        verify(_SIGNATURE, request.headers, request.body, [self.secret(ref) for _, ref in self.secrets])

    def warnings(self) -> list[str]:
        """Say what is not done for the declaration."""
        return [] if self.secrets else ["webhookSecret: missing; deliveries are not verified, so anyone can send them"]

    def receive(self, request: Received) -> Taken | Coroutine[Any, Any, Taken]:
        """As every provider's; a push of branches may be divided, or partly left out, as declared."""
        event = self.delivered(request)
        spec = self.spec
        if not (spec.one_event_per_change or spec.skip_branch_refs_changed_on_open_pr):
            return event
        if request.headers.get("X-Event-Key") != _REFS_CHANGED:
            return event
        body = parse_json(request.body)
        push = _Push(request, event, body, read_changes(body.value))
        return self._without_open(push) if spec.skip_branch_refs_changed_on_open_pr else self._divided(push, push.changes)

    async def _without_open(self, push: "_Push") -> Taken:
        """What is left without changes of branches that have an open pull request. Raises `Refused` (503) where the server cannot
        be asked.
        """
        try:
            async with provider_api(self._base, self._headers(), tls=self._tls()) as api:
                left = [
                    change
                    for change in push.changes
                    if change.asked_at is None or not any(_is_open(row) for row in await api.rows(change.asked_at, _PAGE))
                ]
        except HookProblem as exc:
            reason = f"the server was asked whether pull requests are open and did not say: {exc}"
            raise Refused(503, reason, retry_after_s=30) from exc
        if not left:
            return Reply("each branch that changed has an open pull request")
        return self._divided(push, left)

    def _divided(self, push: "_Push", left: Sequence[Change]) -> Event | list[Event]:
        whole = push.event
        if not self.spec.one_event_per_change:
            return whole if len(left) == len(push.changes) else self._with(push, left, whole.id)
        return [self._with(push, [change], f"{whole.id}-{change.number}") for change in left]

    def _with(self, push: "_Push", changes: Sequence[Change], id: str) -> Event:
        body = with_changes(push.body.value, changes)
        tree = UNPARSED if push.body.tree is UNPARSED else body
        return self.made(push.request, written_anew(body, push.body), tree, id)

    @property
    def _base(self) -> str:
        return self.spec.bitbucketserver_base_url.rstrip("/")

    def _headers(self) -> dict[str, str]:
        token = self.spec.access_token
        if token is None:
            raise HookProblem("accessToken: missing")
        return {
            "Authorization": f"Bearer {self.credential(token, 'accessToken').strip()}",
            "X-Atlassian-Token": "no-check",
            "X-Requested-With": "XMLHttpRequest",
        }

    def _tls(self) -> Any:
        tls = self.spec.tls
        if tls is None:
            return None
        named = {
            "ca": ("tls.caCertSecret", tls.ca_cert_secret),
            "certificate": ("tls.clientCertSecret", tls.client_cert_secret),
            "key": ("tls.clientKeySecret", tls.client_key_secret),
        }
        read = {part: self.credential(ref, field).encode() for part, (field, ref) in named.items() if ref is not None}
        try:
            return tls_context(TLSMaterial(insecure=tls.insecure_skip_verify, **read))
        except ValueError as exc:
            raise HookProblem(f"tls: {exc}") from exc

    def hooks(self) -> Hooks:
        """See `HookedSource.hooks`."""
        spec = self.spec
        body: dict[str, object] = {
            "name": "Tocsin",
            "url": self.public_url,
            "active": True,
            "events": sorted(set(spec.events)),
        }
        if spec.webhook_secret:  # an empty one makes the server fail
            body["configuration"] = {"secret": self.credential(spec.webhook_secret, "webhookSecret")}
        return Hooks(
            base=self._base,
            headers=self._headers(),
            places=[f"{_repositories(project)}/{quote(slug, safe='')}/webhooks" for project, slug in spec.owned],
            listings=[_repositories(project) for project in spec.projects],
            place_of=_place_of,
            url=self.public_url,
            body=body,
            update="PUT",
            url_of=lambda hook: hook.get("url"),
            differs=events_differ,
            page_query=_PAGE,
            tls=self._tls(),
            every_s=spec.check_interval.total_seconds(),
        )


class _Push(NamedTuple):
    """A delivery that tells of branches and tags."""

    request: Received
    event: Event
    """With all of them."""
    body: Decoded
    changes: Sequence[Change]


def _repositories(project: str) -> str:
    return f"/api/1.0/projects/{quote(project, safe='')}/repos"


def _place_of(listing: str, repository: Json) -> str | None:
    slug = repository.get("slug")
    return f"{listing}/{quote(slug, safe='')}/webhooks" if isinstance(slug, str) else None


def _is_open(pull_request: Json) -> bool:
    return str(pull_request.get("state")).upper() == "OPEN"
