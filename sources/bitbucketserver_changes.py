"""The changes of a push to Bitbucket Data Center: which there are, and the body with some of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from sources.http.answers import Refused

MOST_CHANGES = 500
"""Branches and tags of one push; each may cost a call of the server's API."""


class Change(NamedTuple):
    """One branch or tag that was pushed or deleted."""

    number: int
    """From 1, as it stands in the delivery."""
    value: Any
    asked_at: str | None
    """The path where pull requests with it are asked for; None where there can be none: for tags and for what was deleted."""


def read_changes(body: Any) -> list[Change]:
    """The changes of a delivery. Raises `Refused`: 400 where they are not what Bitbucket sends, 413 where there are too many."""
    try:
        project, slug = str(body["repository"]["project"]["key"]), str(body["repository"]["slug"])
        found = [
            Change(number, change, _asked_at(project, slug, change) if _is_pushed_branch(change) else None)
            for number, change in enumerate(body["changes"], 1)
        ]
    except (KeyError, TypeError, AttributeError):
        raise Refused(400, "the body has no repository and changes as Bitbucket sends them") from None
    if len(found) > MOST_CHANGES:
        raise Refused(413, f"a push of {len(found)} branches and tags; at most {MOST_CHANGES} are divided")
    return found


def with_changes(body: Any, changes: Sequence[Change]) -> dict[str, Any]:
    """`body` with only `changes`."""
    return {**body, "changes": [change.value for change in changes]}


def _is_pushed_branch(change: Any) -> bool:
    return bool(change["ref"]["type"] == "BRANCH" and change["type"] != "DELETE")


def _asked_at(project: str, slug: str, change: Any) -> str:
    commit = quote(str(change["toHash"]), safe="")
    return f"/api/1.0/projects/{quote(project, safe='')}/repos/{quote(slug, safe='')}/commits/{commit}/pull-requests"
