"""GitLab and both Bitbuckets over real sockets: who is let in, and what their deliveries become."""

import base64
import contextlib
import hmac
import json
import time
from typing import Any

import pytest
from http_rig import SECRET, Rig, rigged
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from pydantic import ValidationError

from sources.bitbucket import Bitbucket, BitbucketSpec
from sources.bitbucketserver import BitbucketServer, BitbucketServerSpec
from sources.gitlab import Gitlab, GitlabSpec
from sources.http.answers import Refused
from sources.http.signatures import NotVerified, hub_signature, verify_standard
from sources.http.source import HttpSource, Received
from sources.marshalled import marshalled
from sources.source import SourceRefused

HUB, KEY = {"name": "hub", "key": "k"}, {"name": "signing", "key": "k"}
WHSEC = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
BODY = json.dumps({"object_kind": "push", "ref": "refs/heads/main"}).encode()
NEEDED: dict[str, dict[str, Any]] = {
    "gitlab": {"gitlabBaseURL": "https://gitlab.com", "accessToken": HUB, "events": ["PushEvents"]},
    "bitbucketserver": {"bitbucketserverBaseURL": "https://git.example.net/rest"},
    "bitbucket": {"repositories": [{"owner": "o", "repositorySlug": "r"}]},
}
KINDS: dict[str, Any] = {
    "gitlab": (Gitlab, GitlabSpec, "secretToken"),
    "bitbucketserver": (BitbucketServer, BitbucketServerSpec, "webhookSecret"),
    "bitbucket": (Bitbucket, BitbucketSpec, "webhookSecret"),
}
DELIVERY = {"gitlab": "Idempotency_Key", "bitbucketserver": "X_Request_Id", "bitbucket": "X_Request_UUID"}


def source(rig: Rig, kind: str, secret: dict[str, str] | None = None, **spec: Any) -> HttpSource[Any]:
    made, declared, field = KINDS[kind]
    fields = {"webhook": {"endpoint": "/hook", "port": "0"}, **NEEDED[kind], **spec} | ({field: secret} if secret else {})
    return made(declared.model_validate(fields), rig.context("git"))


def proof(kind: str, body: bytes = BODY, secret: str = SECRET) -> dict[str, str]:
    if kind == "gitlab":
        return {"X_Gitlab_Token": secret}
    return {"X_Hub_Signature": hub_signature("sha256", secret.encode(), body)}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_delivery_is_an_event_of_headers_body_and_metadata_and_its_repeat_is_the_same(kind: str) -> None:
    async with rigged() as rig:
        await rig.serve(source(rig, kind, HUB, metadata={"team": "a"}))
        named = {DELIVERY[kind]: "d-1", "X_Event_Key": "repo:push", "X_Gitlab_Event": "Push Hook"}
        for _ in range(2):
            assert (await rig.post("/hook", BODY, **proof(kind), **named)).json == {"id": "d-1"}
        (event,) = rig.events
        data = json.loads(event.data or b"")
        assert list(data) == ["headers", "body", "metadata"]
        assert (data["body"], data["metadata"]) == (json.loads(BODY), {"team": "a"})
        assert data["headers"]["X-Event-Key"] == ["repo:push"]
        assert marshalled(BODY) in (event.data or b""), "the order is kept"
        assert (event.tree, event.type) == (data, kind)


@pytest.mark.parametrize("kind", KINDS)
async def test_only_the_right_proof_is_let_in(kind: str) -> None:
    async with rigged() as rig:
        await rig.serve(source(rig, kind, HUB))
        (header, right) = next(iter(proof(kind).items()))
        wrong = [
            {},
            {header: ""},
            {header: right[:-1]},
            {header: right + "0"},
            {header: right.upper() + "é"},
            proof(kind, secret="other"),
        ]
        if kind != "gitlab":
            wrong += [
                {header: hub_signature("sha1", SECRET.encode(), BODY)},
                {header: right.removeprefix("sha256=")},
                {header: "sha256="},
            ]
        for headers in wrong:
            said = await rig.post("/hook", BODY, **headers)
            assert said.status == 401, headers
            assert SECRET not in said.body.decode()
        assert (await rig.post("/hook", BODY, **proof(kind))).status == 200
        assert len(rig.events) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_read_before_it_is_verified(kind: str) -> None:
    async with rigged() as rig:
        await rig.serve(source(rig, kind, HUB))
        for body in (b"", b"{", b"[" * 10_000):
            assert (await rig.post("/hook", body)).status == 401
            assert (await rig.post("/hook", body, **proof(kind, body))).status == 400


@pytest.mark.parametrize("tokens", [(SECRET, SECRET), (SECRET, "wrong"), ("wrong", SECRET), ("", SECRET)])
async def test_two_tokens_of_gitlab_are_none(tokens: tuple[str, str]) -> None:
    async with rigged() as rig:
        await rig.serve(source(rig, "gitlab", HUB))
        twice = f"{tokens[0]}\r\nX-Gitlab-Token: {tokens[1]}"
        assert (await rig.post("/hook", BODY, X_Gitlab_Token=twice)).status == 401
        assert rig.events == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("ref", ["empty", "nowhere"])
async def test_a_secret_that_is_empty_or_missing_refuses_the_source(kind: str, ref: str) -> None:
    async with rigged() as rig:
        with pytest.raises(SourceRefused, match="anyone could pass"):
            source(rig, kind, {"name": ref, "key": "k"}).check()


@pytest.mark.parametrize("kind", KINDS)
async def test_without_a_secret_it_says_that_anyone_can_send(kind: str) -> None:
    async with rigged() as rig:
        assert any("not verified" in said for said in source(rig, kind).warnings())
        assert not any("not verified" in said for said in source(rig, kind, HUB).warnings())


@pytest.mark.parametrize("body", [b"", b"{", b"no json", b"\xff", b'{"a":'])
async def test_what_is_no_json_is_answered_400(body: bytes) -> None:
    async with rigged() as rig:
        await rig.serve(source(rig, "gitlab", HUB))
        assert (await rig.post("/hook", body, **proof("gitlab"))).status == 400


async def test_a_delivery_name_that_is_none_is_answered_400() -> None:
    async with rigged() as rig:
        await rig.serve(source(rig, "gitlab", HUB))
        for name in ("", "x" * 129, "a b", "é"):
            assert (await rig.post("/hook", BODY, **proof("gitlab"), Idempotency_Key=name)).status == 400


def standard(body: bytes, *, id: str = "msg_1", at: int | None = None, key: str = WHSEC) -> dict[str, str]:
    stamp = str(int(time.time()) if at is None else at)
    signed = f"{id}.{stamp}.".encode() + body
    digest = base64.b64encode(hmac.digest(base64.b64decode(key.removeprefix("whsec_")), signed, "sha256")).decode()
    return {"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": f"v1,AAAA v1,{digest}"}


def test_the_published_signature_of_standard_webhooks_is_ours_too() -> None:
    headers = {"webhook-id": "msg_1", "webhook-timestamp": "1700000000"}
    headers["webhook-signature"] = "v1,rkwp5YuvdrMkcu0ZhuMsXoTg44mHAr1Q0+FFgFpXsjY="
    verify_standard(headers, b'{"a":1}', [WHSEC.encode()], now_s=1_700_000_000)
    for body, now_s, secret in (
        (b'{"a":2}', 1_700_000_000, WHSEC),
        (b'{"a":1}', 1_700_000_301, WHSEC),
        (b'{"a":1}', 1_700_000_000, "whsec_AAAA"),
    ):
        with pytest.raises(NotVerified):
            verify_standard(headers, body, [secret.encode()], now_s=now_s)


async def test_a_signing_token_of_gitlab_is_verified_as_such() -> None:
    async with rigged() as rig:
        rig.values.secrets["signing"] = WHSEC
        await rig.serve(source(rig, "gitlab", KEY))
        assert (await rig.post("/hook", BODY, **standard(BODY))).json == {"id": "msg_1"}
        assert (await rig.post("/hook", BODY, X_Gitlab_Token=WHSEC)).status == 401
        assert (await rig.post("/hook", BODY + b" ", **standard(BODY))).status == 401
        assert (await rig.post("/hook", BODY, **standard(BODY, at=int(time.time()) - 1000))).status == 401
        rig.values.secrets["signing"] = "whsec_!!"
        assert (await rig.post("/hook", BODY, **standard(BODY))).status == 401


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("gitlab", {"events": []}, "events"),
        ("gitlab", {"events": ["push"]}, "PushEvents"),
        ("gitlab", {"gitlabBaseURL": ""}, "gitlabBaseURL"),
        ("bitbucketserver", {"bitbucketserverBaseURL": ""}, "bitbucketserverBaseURL"),
        ("bitbucketserver", {"skipBranchRefsChangedOnOpenPR": True}, "needs accessToken"),
        ("bitbucketserver", {"checkInterval": "10ms"}, "at least 1s"),
        ("bitbucket", {"repositories": []}, "repositorySlug"),
        ("bitbucket", {"webhook": {"endpoint": "/h", "port": "1", "url": "https://x"}}, "events"),
    ],
)
async def test_a_spec_that_cannot_be_served_says_what_is_wrong(kind: str, fields: dict[str, Any], says: str) -> None:
    async with rigged() as rig:
        with pytest.raises(ValidationError, match=says):
            source(rig, kind, **fields)


@given(
    st.binary(max_size=60),
    st.dictionaries(st.sampled_from(["X-Gitlab-Token", "X-Hub-Signature", "X-Request-Id"]), st.text(max_size=20)),
)
async def test_whatever_is_sent_is_an_event_or_a_refusal(body: bytes, headers: dict[str, str]) -> None:
    async with rigged() as rig:
        for kind in KINDS:
            for secret in (None, HUB):
                received = Received("POST", "", CIMultiDictProxy(CIMultiDict(headers)), (), body)
                with contextlib.suppress(Refused):
                    assert json.loads(source(rig, kind, secret).receive(received).data or b"")["headers"] == {}


async def test_an_event_that_gitlab_may_not_know_is_said_with_the_nearest_name() -> None:
    async with rigged() as rig:
        (said,) = source(rig, "gitlab", HUB, events=["MergeRequestEvents", "PushEvents", "ReleasesEvents"]).warnings()
    assert "'MergeRequestEvents' (did you mean MergeRequestsEvents?)" in said
