"""Posting messages to Slack, and which thread a message belongs to."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from sensors.errors import TriggerRefused, TriggerUnavailable

if TYPE_CHECKING:
    from slack_sdk.web.async_slack_response import AsyncSlackResponse

API = "https://slack.com/api/"
TIMEOUT_S = 30
_REMEMBERED = 10_000
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
    """Posts messages. Threads are remembered while this process lives, the most recent ten thousand."""

    def __init__(self) -> None:
        self._started: OrderedDict[tuple[str, str, str], str] = OrderedDict()
        self._posting: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = WeakValueDictionary()
        """Held by those who post to a thread now: its first message comes before all others."""

    async def post(self, token: str, post: Post) -> str:
        """Return the message's timestamp, which names it in its channel.

        Raises `TriggerUnavailable` or `TriggerRefused`. If cancelled, the message may or may not be posted.
        """
        if not post.thread_key:
            return await _call(token, post)
        place = (token, post.said["channel"], post.thread_key)
        lock = self._posting.get(place) or asyncio.Lock()
        self._posting[place] = lock
        async with lock:
            thread = self._started.get(place)
            posted = await _call(token, post, thread)
            self._remember(place, thread or posted)
            return posted

    async def aclose(self) -> None:
        """Do nothing: each call has a connection of its own."""

    def _remember(self, place: tuple[str, str, str], thread: str) -> None:
        self._started[place] = thread
        self._started.move_to_end(place)
        if len(self._started) > _REMEMBERED:
            self._started.popitem(last=False)


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
        raise TriggerUnavailable(f"Slack: {str(exc).replace(token, '***') or type(exc).__name__}") from exc
    return str(answer.get("ts", ""))


def _judged(answer: "AsyncSlackResponse") -> TriggerUnavailable | TriggerRefused:
    if not isinstance(answer.data, dict):  # what stands between us and Slack has said it
        return TriggerUnavailable(f"Slack answered {answer.status_code} without JSON", status=answer.status_code)
    status, error = answer.status_code, str(answer.get("error", ""))
    said = f"Slack answered {status}: {error}" if error else f"Slack answered {status}"
    if status == 429 or error in _TRANSIENT or status >= 500:
        asked = str(answer.headers.get("Retry-After", ""))
        return TriggerUnavailable(said, retry_after_s=float(asked) if asked.isdigit() else None, status=status)
    if error in _MENDABLE:
        return TriggerUnavailable(said, status=status)
    return TriggerRefused(said, status=status)
