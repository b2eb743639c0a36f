"""Posting messages to Slack, and which thread a message belongs to."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.http_answer import retry_after_s, scrubbed
from sensors.triggers.memory import Memory

if TYPE_CHECKING:
    from slack_sdk.web.async_slack_response import AsyncSlackResponse

API = "https://slack.com/api/"
TIMEOUT_S = 30
_AT_HAND = 10_000
LASTING = timedelta(days=90)
"""How long a thread is remembered after its last message."""
# There is no such thread any more.
_ENDED_THREAD = frozenset({"thread_not_found", "invalid_thread_ts", "cannot_reply_to_message"})
_TRANSIENT = frozenset(
    {
        "ratelimited",
        "rate_limited",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
        "team_added_to_org",
    }
)
# Someone can put these right without touching the manifest.
_MENDABLE = frozenset({"invalid_auth", "not_authed", "token_expired", "token_revoked", "account_inactive", "missing_scope",
                       "not_in_channel", "ekm_access_denied"})  # fmt: skip


class Post(NamedTuple):
    """One message."""

    said: Mapping[str, Any]
    """Arguments of `chat.postMessage`."""
    key: str
    """The firing's id, which the message carries as metadata."""
    thread_key: str = ""
    broadcast: bool = False


class Threads:
    """Posts messages. Threads are remembered, the most recent ten thousand at hand."""

    def __init__(self) -> None:
        self._started: OrderedDict[str, str] = OrderedDict()
        self._posting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """Held by those who post to a thread now: its first message comes before all others."""

    async def post(self, token: str, post: Post, memory: Memory) -> str:
        """Return the message's timestamp, which names it in its channel. `memory` holds the threads of former processes.

        Raises `TriggerUnavailable` or `TriggerRefused`, and errors of the bus before anything is posted. If cancelled, the
        message may or may not be posted.
        """
        if not post.thread_key:
            return await _call(token, post)
        place = _place(token, post)
        lock = self._posting.get(place) or asyncio.Lock()
        self._posting[place] = lock
        async with lock:
            thread = self._started.get(place) or await memory.recall(place)
            try:
                posted = await _call(token, post, thread or None)
            except _ThreadEnded:
                posted, thread = await _call(token, post), ""
            self._have_at_hand(place, thread or posted)
            await memory.keep(place, thread or posted, LASTING)
            return posted

    async def aclose(self) -> None:
        """Do nothing: each call has a connection of its own."""

    def _have_at_hand(self, place: str, thread: str) -> None:
        self._started[place] = thread
        self._started.move_to_end(place)
        if len(self._started) > _AT_HAND:
            self._started.popitem(last=False)


class _ThreadEnded(TriggerUnavailable):
    """Nobody can reply in this thread any more."""


def _place(token: str, post: Post) -> str:
    """Names a thread. The workspace is known by its token only, which is not to be read from the name."""
    told = "\0".join((token, post.said["channel"], post.thread_key))
    return f"slack/thread/{hashlib.sha256(told.encode()).hexdigest()[:32]}"


async def _call(token: str, post: Post, thread: str | None = None) -> str:
    from slack_sdk.errors import SlackApiError, SlackClientError  # noqa: PLC0415 - only a process that posts pays for it
    from slack_sdk.web.async_client import AsyncWebClient  # noqa: PLC0415 - see above

    told = dict(post.said)
    if thread is not None:
        told |= {"thread_ts": thread, "reply_broadcast": post.broadcast}
    told["metadata"] = {"event_type": "tocsin_firing", "event_payload": {"id": post.key}}
    client = AsyncWebClient(token, base_url=API, timeout=TIMEOUT_S)
    try:
        answer = await client.chat_postMessage(**told)
    except SlackApiError as exc:
        raise _judged(exc.response) from exc
    except TimeoutError as exc:
        raise TriggerUnavailable(f"Slack: no answer within {TIMEOUT_S} s") from exc
    except (SlackClientError, OSError, ValueError) as exc:
        raise TriggerUnavailable(f"Slack: {scrubbed(str(exc), [token]) or type(exc).__name__}") from exc
    return str(answer.get("ts", ""))


def _judged(answer: "AsyncSlackResponse") -> TriggerUnavailable | TriggerRefused:
    if not isinstance(answer.data, dict):  # what stands between us and Slack has said it
        said = f"Slack answered {answer.status_code} without JSON"
        return TriggerUnavailable(said, retry_after_s=_asked_s(answer), status=answer.status_code)
    status, error = answer.status_code, str(answer.get("error", ""))
    said = f"Slack answered {status}: {error}" if error else f"Slack answered {status}"
    if status == 429 or error in _TRANSIENT or status >= 500:
        return TriggerUnavailable(said, retry_after_s=_asked_s(answer), status=status)
    if error in _ENDED_THREAD:
        return _ThreadEnded(said, status=status)
    if error in _MENDABLE:
        return TriggerUnavailable(said, status=status)
    return TriggerRefused(said, status=status)


def _asked_s(answer: "AsyncSlackResponse") -> float | None:
    return retry_after_s(str(answer.headers.get("Retry-After", "")))
