"""What the specs of HTTP kinds accept."""

import dataclasses
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from eventbus.event import Road
from manifests.objects import Dialect
from manifests.secrets import SecretMissing, SecretValue
from sources.bitbucketserver import BitbucketServerSpec
from sources.calendar_spec import CalendarSpec
from sources.file import File, FileSpec
from sources.generic import Generic, GenericSpec
from sources.github import Github, GithubSpec, _places
from sources.http.source import Authentication
from sources.source import SourceContext, SourceKinds, SourceRefused, sources
from sources.webhook import Webhook, WebhookSpec

HERE: dict[str, Any] = {"endpoint": "/a", "port": "12000"}
REF = {"name": "s", "key": "k"}


class NoValues:
    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        raise SecretMissing(name)

    def config(self, namespace: str, name: str, key: str) -> str:
        raise SecretMissing(name)


CONTEXT = SourceContext(road=Road("default", "s", "e"), dialect=Dialect.ARGO, values=NoValues())


def test_every_field_of_a_webhook_is_accepted() -> None:
    spec = WebhookSpec.model_validate(
        HERE
        | {
            "method": "POST",
            "url": "https://x",
            "serverCertSecret": REF,
            "serverKeySecret": REF,
            "authSecret": {**REF, "optional": True},
            "metadata": {"a": "b"},
            "maxPayloadSize": 5,
            "filter": {"expression": ""},
        }
    )
    assert spec.max_payload_size == 5
    assert Webhook(spec, CONTEXT).authentication is Authentication.BEARER


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"endpoint": ""}, "missing; expected the path"),
        ({"endpoint": "a"}, "starts with /"),
        ({"endpoint": "/a b"}, "no spaces"),
        ({"endpoint": "/a?b=1"}, "no spaces, ? or #"),
        ({"endpoint": "/ä"}, "as it stands in a URL"),
        ({"endpoint": "/x/{id:[0-9}"}, "'[0-9' is not a pattern: missing ]"),
        ({"endpoint": "/x/{id:(a|b)}"}, "write (?:…) instead of (…)"),
        ({"endpoint": "/x/{:a}"}, "{:a} lacks a name or a pattern"),
        ({"endpoint": "/x/{id:}"}, "{id:} lacks a name or a pattern"),
        ({"endpoint": "/x/{}"}, "{} lacks a name or a pattern"),
        ({"endpoint": "/x/{id"}, "braces that do not belong together"),
        ({"endpoint": "/x/id}"}, "braces that do not belong together"),
        ({"endpoint": "{id}"}, "starts with /"),
        ({"endpoint": "/x?{id}"}, "no spaces, ? or #"),
        ({"port": ""}, "missing; expected a port"),
        ({"port": "http"}, 'such as "12000"'),
        ({"port": "70000"}, "1 to 65535"),
        ({"port": "-1"}, "1 to 65535"),
        ({"port": "²"}, "1 to 65535"),
        ({"port": 12000}, "valid string"),
        ({"maxPayloadSize": 0}, "greater than 0"),
        ({"maxPayloadSize": "5"}, "valid integer"),
        ({"method": "post"}, "did you mean POST?"),
        ({"method": "TRACE"}, "expected one of GET, POST"),
        ({"serverCertSecret": REF}, "go together"),
        ({"serverKeySecret": REF}, "go together"),
    ],
)
def test_what_cannot_work_is_refused_with_the_reason(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        WebhookSpec.model_validate(HERE | change)
    assert said in str(refused.value)


def test_a_port_and_an_endpoint_are_required() -> None:
    with pytest.raises(ValidationError, match="2 validation errors"):
        WebhookSpec.model_validate({})


def test_a_webhook_without_a_method_takes_posts_and_says_so() -> None:
    source = Webhook(WebhookSpec.model_validate(HERE), CONTEXT)
    assert source.methods == {"POST"}
    assert "POST is taken" in source.warnings()[0]
    assert not Webhook(WebhookSpec.model_validate(HERE | {"method": "GET"}), CONTEXT).warnings()
    ours = Webhook(WebhookSpec.model_validate(HERE), dataclasses.replace(CONTEXT, dialect=Dialect.TOCSIN))
    assert not ours.warnings(), "there it is the default"


GITHUB: dict[str, Any] = {"webhook": HERE, "repositories": [{"owner": "o", "names": ["r"]}]}


def test_every_field_of_github_is_accepted() -> None:
    spec = GithubSpec.model_validate(
        GITHUB
        | {
            "id": 1,
            "webhook": HERE | {"url": "https://x", "method": "POST"},
            "owner": "o",
            "repository": "r",
            "events": ["*"],
            "apiToken": REF,
            "githubApp": {"privateKey": REF, "appID": 1, "installationID": 2},
            "webhookSecret": REF,
            "webhookSecrets": [REF],
            "insecure": True,
            "active": True,
            "contentType": "json",
            "githubBaseURL": "https://x/api",
            "githubUploadURL": "https://x/up",
            "deleteHookOnFinish": True,
            "metadata": {"a": "b"},
        }
    )
    source = Github(spec, CONTEXT)
    assert source.authentication is Authentication.SIGNATURE
    assert source.keeps_hooks
    assert source.warnings() == []
    by_app = Github(spec.model_copy(update={"api_token": None}), CONTEXT)
    assert by_app.keeps_hooks
    assert by_app.warnings() == []


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"webhook": HERE}, "expected repositories"),
        (GITHUB | {"organizations": ["o"]}, "exclude each other"),
        (GITHUB | {"webhook": HERE | {"url": "https://x"}, "apiToken": REF}, "events: missing"),
        (GITHUB | {"contentType": "xml"}, "'json' or 'form'"),
        (GITHUB | {"githubBaseURL": "https://x"}, "go together"),
        (GITHUB | {"webhook": {"port": "1"}}, "expected the path"),
        (GITHUB | {"webhookSecrets": [REF] * 5}, "at most 4"),
        (GITHUB | {"webhook": None}, "webhook"),
    ],
)
def test_github_refuses_what_upstream_calls_invalid(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        GithubSpec.model_validate(spec)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("origin", "place"), [({"owner": "o", "repository": "r"}, "/repos/o/r/hooks"), ({"organizations": ["o"]}, "/orgs/o/hooks")]
)
def test_github_takes_the_other_ways_to_name_an_origin(origin: dict[str, Any], place: str) -> None:
    spec = GithubSpec.model_validate({"webhook": HERE, "webhookSecret": REF} | origin)
    assert list(_places(spec)) == [place]


def test_github_without_a_secret_is_unauthenticated_and_says_so() -> None:
    source = Github(GithubSpec.model_validate(GITHUB), CONTEXT)
    assert source.authentication is Authentication.NONE
    assert "anyone" in source.warnings()[0]


def test_the_registry_knows_the_kinds_and_refuses_a_second_owner() -> None:
    assert {kind.key for kind in sources.kinds()} >= {"webhook", "github"}
    assert sources.get("webhook") is Webhook
    assert (Webhook.key, Webhook.type) == ("webhook", "webhook")
    mine = SourceKinds()
    kept = (Webhook.key, Webhook.type)
    mine.register("webhook", spec=WebhookSpec)(Webhook)
    with pytest.raises(ValueError, match="two owners"):
        mine.register("webhook", spec=WebhookSpec)(Webhook)
    assert (Webhook.key, Webhook.type) == kept


def test_a_kind_whose_library_is_missing_is_refused_with_the_command_that_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("grpc", "watchfiles"):
        monkeypatch.setitem(sys.modules, library, None)
    generic = GenericSpec.model_validate({"url": "127.0.0.1:8443", "insecure": True, "config": "x"})
    with pytest.raises(SourceRefused, match=r"pip install 'tocsin\[grpc\]'"):
        Generic(generic, CONTEXT)
    told = {"eventType": "CREATE", "watchPathConfig": {"directory": "/in", "path": "a"}}
    with pytest.raises(SourceRefused, match=r"pip install 'tocsin\[file\]', or set polling: true"):
        File(FileSpec.model_validate(told), CONTEXT)
    File(FileSpec.model_validate(told | {"polling": True}), CONTEXT)


def test_empty_text_in_place_of_a_duration_is_as_if_it_were_not_there() -> None:
    server = {"webhook": HERE, "bitbucketserverBaseURL": "https://git.example/rest"}
    without = BitbucketServerSpec.model_validate(server)
    assert BitbucketServerSpec.model_validate(server | {"checkInterval": ""}).check_interval == without.check_interval
    persistence = {"catchup": {"enabled": True, "maxDuration": ""}}
    assert CalendarSpec.model_validate({"interval": "1h", "persistence": persistence}).horizon(datetime.now(UTC)) is None
