"""What event sources make of requests, beside what the original's own code makes of them."""

import json
from base64 import b64decode
from typing import Any

from http_rig import Rig, rigged

from manifests.objects import Dialect
from sources.bitbucket import Bitbucket, BitbucketSpec
from sources.bitbucketserver import BitbucketServer, BitbucketServerSpec
from sources.github import Github, GithubSpec
from sources.gitlab import Gitlab, GitlabSpec
from sources.http.source import HttpSource
from sources.webhook import Webhook, WebhookSpec

Json = dict[str, Any]


async def differences(case: Json, theirs: Json) -> list[str]:
    """In what the data of the events differ, byte for byte; of GitHub's bodies by what they mean."""
    async with rigged() as rig:
        await rig.serve(_source(rig, case["kind"], case["spec"]))
        await rig.send(b64decode(case["request"]))
        here = [event.data or b"" for event in rig.events]
    if answer_of := theirs["invalid"] or theirs.get("error"):
        return [f"the original: {answer_of}"]
    there = [b64decode(data) for data in theirs["received"]["data"]]
    if case["kind"] == "github":
        same = [_rounded(data) for data in here] == [_rounded(data) for data in there]
    else:
        same = here == [as_text(data) for data in there]
    return [] if same else [f"there {there}\nhere  {here}"]


def _source(rig: Rig, kind: str, spec: Json) -> HttpSource[Any]:
    context = rig.context("event", Dialect.ARGO)
    match kind:
        case "webhook":
            return Webhook(WebhookSpec.model_validate(spec), context)
        case "github":
            return Github(GithubSpec.model_validate(spec), context)
        case "gitlab":
            return Gitlab(GitlabSpec.model_validate(spec), context)
        case "bitbucket":
            return Bitbucket(BitbucketSpec.model_validate(spec), context)
        case _:
            return BitbucketServer(BitbucketServerSpec.model_validate(spec), context)


def as_text(data: bytes) -> bytes:
    r"""A byte that is not UTF-8 is `\ufffd` to the original, and the character itself here: the same JSON."""
    return data.replace(rb"\ufffd", "\ufffd".encode())


def _rounded(data: bytes) -> Any:
    """The original sorts the keys of what GitHub sends, and makes every number a float."""
    return json.loads(data, parse_int=float)
