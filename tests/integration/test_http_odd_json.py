"""JSON that strict decoders refuse and senders write: an emoji cut in two, and numbers beyond a double."""

import json
from typing import Any

import pytest
from http_rig import Rig, rigged

from eventbus.event import UNPARSED
from sensors.languages.document import Document
from sources.bitbucket import Bitbucket, BitbucketSpec
from sources.bitbucketserver import BitbucketServer, BitbucketServerSpec
from sources.gitlab import Gitlab, GitlabSpec
from sources.http.source import HttpSource

ODD = rb'{"message":"cut \ud83d","size":1e400}'
HOOK = {"endpoint": "/hook", "port": "0"}
TOKEN = {"name": "token", "key": "k"}


def served(rig: Rig, kind: str, **more: Any) -> HttpSource[Any]:
    context = rig.context("event")
    match kind:
        case "webhook":
            return rig.webhook()
        case "github":
            return rig.github(endpoint="/hook")
        case "gitlab":
            spec = {"webhook": HOOK, "gitlabBaseURL": "https://git.example", "accessToken": TOKEN, "events": ["PushEvents"]}
            return Gitlab(GitlabSpec.model_validate(spec), context)
        case "bitbucket":
            return Bitbucket(BitbucketSpec.model_validate({"webhook": HOOK, "owner": "o", "repositorySlug": "r"}), context)
        case _:
            server = {"webhook": HOOK, "bitbucketserverBaseURL": "https://git.example/rest", **more}
            return BitbucketServer(BitbucketServerSpec.model_validate(server), context)


@pytest.mark.parametrize("kind", ["webhook", "github", "gitlab", "bitbucket", "bitbucketserver"])
async def test_it_is_an_event_as_it_came(kind: str) -> None:
    async with rigged() as rig:
        await rig.serve(served(rig, kind))
        told = {"Content_Type": "application/json", "X_GitHub_Event": "push", "X_GitHub_Delivery": "d"}
        assert (await rig.post(body=ODD, **told)).status == 200
        (event,) = rig.events
        assert ODD[:-1] in (event.data or b"")
        assert event.tree is UNPARSED
        assert Document(event.data or b"").tree["body"]["message"] == "cut \ufffd"


async def test_github_names_an_odd_payload_that_has_such_names_of_its_own() -> None:
    async with rigged() as rig:
        await rig.serve(rig.github(endpoint="/hook"))
        told = {"Content_Type": "application/json", "X_GitHub_Event": "push", "X_GitHub_Delivery": "d"}
        assert (await rig.post(body=rb'{"X-GitHub-Event":"ping","m":"\ud83d"}', **told)).status == 200
        body = json.loads(rig.events[0].data or b"")["body"]
        assert body == {"X-GitHub-Event": "push", "m": "\ud83d", "X-GitHub-Delivery": "d"}
        assert (await rig.post(body=b'{"X-GitHub-Event":"ping","n":1e400}', **told)).status == 400


async def test_a_push_with_it_is_divided() -> None:
    change = {"ref": {"id": "refs/heads/a", "type": "BRANCH"}, "type": "UPDATE", "toHash": "1"}
    body = {"repository": {"slug": "r", "project": {"key": "p"}}, "changes": [change, change], "note": "<cut \ud83d>"}
    async with rigged() as rig:
        await rig.serve(served(rig, "bitbucketserver", oneEventPerChange=True))
        told = {"X_Event_Key": "repo:refs_changed", "X_Request_Id": "d"}
        assert (await rig.post(body=json.dumps(body).encode(), **told)).status == 200
        assert [event.id for event in rig.events] == ["d-1", "d-2"]
        for event in rig.events:
            assert json.loads(event.data or b"")["body"] == body | {"changes": [change]}
            assert b"<" not in (event.data or b"<"), "written as Argo Events writes it"
