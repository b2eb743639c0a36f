"""The `github` source: GitHub's webhooks, verified before they are read."""

from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec
from pydantic import AfterValidator, Field, model_validator
from yarl import URL

from clients.github_app import NOT_INSTALLED, is_installed
from eventbus.event import UNPARSED, Event
from manifests.fields import GithubApp, SecretRef, Spec
from sources.github_app import Installation
from sources.github_delivery import DELIVERY, EVENT, agree, named, payload_of, with_names
from sources.http.answers import Refused
from sources.http.endpoint import Endpoint, SourceFilter
from sources.http.hooked import HookedSource
from sources.http.hooks import Hooks, events_differ
from sources.http.payload import headers_for_data, metadata_tail, now, parse_json
from sources.http.provider_api import Authority, Json
from sources.http.signatures import SCHEMES, verify
from sources.http.source import Authentication, Received, Reply
from sources.json_text import Decoded
from sources.source import SourceContext, SourceRefused, sources

_SIGNATURE = SCHEMES["github"]

_encode = msgspec.json.encode


class OwnedRepositories(Spec):
    """Repositories of one owner."""

    owner: str = ""
    """User or organisation."""
    names: list[str] = []
    """Names of its repositories."""


def _known_secret_names(secrets: list[SecretRef]) -> list[SecretRef]:
    if len(secrets) > 4:
        raise ValueError("expected at most 4 secrets; each one costs every request a digest")
    return secrets


class GithubSpec(Spec):
    """Deliveries of GitHub for repositories or organisations."""

    id: int = 0
    """Accepted for compatibility; unused."""
    webhook: Endpoint
    """Where GitHub sends to."""
    owner: str = ""
    """One owner, where `repositories` is empty; `repositories` is the better way."""
    repository: str = ""
    """One repository of `owner`, where `repositories` is empty."""
    repositories: list[OwnedRepositories] = []
    """Repositories by owner."""
    organizations: list[str] = []
    """Organisations; instead of repositories."""
    events: list[str] = []
    """Events that are taken; others are answered and left out. All, where it is empty or has `*`."""
    api_token: SecretRef | None = None
    """Token to register hooks with."""
    github_app: GithubApp | None = None
    """App to register hooks with, where there is no `apiToken`."""
    webhook_secret: SecretRef | None = None
    """Secret that deliveries are signed with."""
    webhook_secrets: Annotated[list[SecretRef], AfterValidator(_known_secret_names)] = []
    """More secrets that are accepted, for the time of a change."""
    insecure: bool = False
    """Whether hooks are registered without verification of our certificate."""
    active: bool = False
    """Whether hooks are registered active."""
    content_type: Literal["", "json", "form"] = ""
    """What hooks are registered to send; both are understood in any case."""
    github_base_url: str = Field(default="", alias="githubBaseURL")
    """API of GitHub Enterprise; with `githubUploadURL`."""
    github_upload_url: str = Field(default="", alias="githubUploadURL")
    """Upload API of GitHub Enterprise; with `githubBaseURL`."""
    delete_hook_on_finish: bool = False
    """Whether registered hooks are deleted when the source ends."""
    metadata: dict[str, str] = {}
    """Copied into the data of every event."""
    filter: SourceFilter = None

    @model_validator(mode="after")
    def _names_its_origin(self) -> "GithubSpec":
        repositories = bool(self.repositories or (self.owner and self.repository))
        if repositories and self.organizations:
            raise ValueError("repositories and organizations exclude each other; make two events")
        if not repositories and not self.organizations:
            raise ValueError("expected repositories ([{owner, names}]) or organizations")
        if self.registers_hooks and not self.events:
            raise ValueError('events: missing; with credentials and webhook.url expected event names, or ["*"]')
        if bool(self.github_base_url) != bool(self.github_upload_url):
            raise ValueError("githubBaseURL and githubUploadURL go together")
        return self

    @property
    def registers_hooks(self) -> bool:
        """Whether hooks at GitHub are asked for."""
        return bool((self.api_token or self.github_app) and self.webhook.url)


@sources.register("github", spec=GithubSpec)
class Github(HookedSource[GithubSpec]):
    """Emits `{"headers": …, "body": …, "metadata": …}`; the delivery's id is the event's.

    The body keeps its text and gets the keys `X-GitHub-Event` and `X-GitHub-Delivery` at its end.
    Semantics: Argo Events 1.9, `pkg/eventsources/sources/github`; what differs is in `docs/sources/github.md`.
    """

    members = frozenset(("headers", "body", "metadata"))

    methods = frozenset({"POST"})
    accepts_compressed = False

    def __init__(self, spec: GithubSpec, context: SourceContext) -> None:
        super().__init__(spec, context)
        self._secrets = [ref for ref in (spec.webhook_secret, *spec.webhook_secrets) if ref is not None]
        self._wanted = frozenset() if "*" in spec.events else frozenset(spec.events)
        self._tail = metadata_tail(spec.metadata)
        self._metadata = {"metadata": dict(spec.metadata)} if spec.metadata else {}
        self._app = self._authority() if spec.registers_hooks and not spec.api_token else None

    @property
    def endpoint(self) -> Endpoint:
        """The `webhook` field."""
        return self.spec.webhook

    @property
    def keeps_hooks(self) -> bool:  # type: ignore[override]
        """Where there is a public URL and a token or an app."""
        return self.spec.registers_hooks

    @property
    def deletes_hooks(self) -> bool:
        """The `deleteHookOnFinish` field."""
        return self.spec.delete_hook_on_finish

    @property
    def authentication(self) -> Authentication:
        """By signature where there is a secret."""
        return Authentication.SIGNATURE if self._secrets else super().authentication

    def check(self) -> None:
        """Refuse a secret that is missing or empty."""
        super().check()
        for ref in self._secrets:
            self.usable_secret(ref, "webhookSecret" if ref is self.spec.webhook_secret else "webhookSecrets")

    def warnings(self) -> list[str]:
        """Say what is not done for the declaration."""
        return [] if self._secrets else ["webhookSecret: missing; deliveries are not verified, so anyone can send them"]

    def hooks(self) -> Hooks:
        """See `HookedSource.hooks`."""
        spec, token = self.spec, self.spec.api_token
        headers = {"Accept": "application/vnd.github+json", "User-Agent": "tocsin"}
        if token is not None:
            headers["Authorization"] = f"token {self.credential(token, 'apiToken').strip()}"
        config: dict[str, object] = {"url": self.public_url, "insecure_ssl": "1" if spec.insecure else "0"}
        if spec.content_type:
            config["content_type"] = spec.content_type
        if self._secrets:
            config["secret"] = self.credential(self._secrets[0], "webhookSecret")
        return Hooks(
            base=_base(spec.github_base_url),
            headers=headers,
            authority=None if token is not None else self._app,
            places=list(_places(spec)),
            url=self.public_url,
            body={"name": "web", "active": spec.active, "events": sorted(set(spec.events)), "config": config},
            update="PATCH",
            url_of=_url_of,
            differs=events_differ,
        )

    def _authority(self) -> Authority | None:
        app = self.spec.github_app
        if app is None:
            return None
        if not is_installed():
            raise SourceRefused(NOT_INSTALLED)
        key = app.private_key
        return Installation(
            app.app_id, app.installation_id, lambda: self.credential(key, "githubApp.privateKey"), self.context.clock.now
        )

    def receive(self, request: Received) -> Event | Reply:
        """The event of one delivery. Raises `Refused`: 401 where it is not signed, 400 or 415 where it cannot be read."""
        if self._secrets:
            verify(_SIGNATURE, request.headers, request.body, map(self.secret, self._secrets))
        event, delivery = named(request, EVENT), named(request, DELIVERY)
        raw = payload_of(request)
        payload = parse_json(raw)
        if not isinstance(payload.value, dict):
            raise Refused(400, "the payload is not a JSON object")
        agree(event, payload.value)
        if self._wanted and event not in self._wanted and event != "ping":
            return Reply("this source does not take this event")
        return self._event(request, raw, payload, event, delivery)

    def _event(self, request: Received, raw: bytes, payload: Decoded, event: str, delivery: str) -> Event:
        headers = headers_for_data(request.raw_headers)
        text = with_names(raw, payload, event, delivery)
        tree: object = UNPARSED if payload.tree is UNPARSED else {"headers": headers, "body": payload.tree} | self._metadata
        data = b'{"headers":%b,"body":%b%b' % (_encode(headers), text, self._tail)
        return self.event(id=delivery, time=now(), data=data, tree=tree)


def _base(url: str) -> str:
    """The API's base. As Argo Events has it, `/api/v3` is added to the URL of a GitHub Enterprise server that lacks it."""
    if not url:
        return "https://api.github.com"
    base, host = url.rstrip("/"), URL(url).host or ""
    if base.endswith("/api/v3") or host.startswith("api.") or ".api." in host:
        return base
    return f"{base}/api/v3"


def _places(spec: GithubSpec) -> Iterator[str]:
    """Where hooks belong, as paths of the API."""
    for organization in spec.organizations:
        yield f"/orgs/{quote(organization, safe='')}/hooks"
    owned = spec.repositories or [OwnedRepositories(owner=spec.owner, names=[spec.repository] if spec.repository else [])]
    for owner, name in ((one.owner, name) for one in owned for name in one.names):
        yield f"/repos/{quote(owner, safe='')}/{quote(name, safe='')}/hooks"


def _url_of(hook: Json) -> object:
    config = hook.get("config")
    return config.get("url") if isinstance(config, dict) else None
