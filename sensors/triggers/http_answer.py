"""What an HTTP answer means for a firing: done, again later, or given up."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.http_target import MASK
from sensors.web.call import Answer

_TRANSIENT = frozenset({408, 425, 429})
_EXCERPT_CHARS = 200


def judge(answer: Answer, allow: Collection[int] | None, *, where: str, secrets: Sequence[str]) -> None:
    """Return where the answer is a success: in `allow`, or any 2xx where that is None.

    Raises `TriggerUnavailable` for 408, 425, 429 and 5xx with what `Retry-After` asks for, else `TriggerRefused`.
    """
    status = answer.status
    if status in allow if allow is not None else 200 <= status < 300:
        return
    message = f"{where} answered {status}{_said(answer, secrets)}"
    if status in _TRANSIENT or 500 <= status < 600:
        raise TriggerUnavailable(message, retry_after_s=retry_after_s(answer.headers.get("Retry-After", "")), status=status)
    raise TriggerRefused(message, status=status)


def retry_after_s(text: str, *, now: datetime | None = None) -> float | None:
    """Seconds that a `Retry-After` header asks for, as a number or an HTTP date (RFC 9110, 10.2.3); None for anything else."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - (now or datetime.now(UTC))).total_seconds())


def scrubbed(text: str, secrets: Sequence[str]) -> str:
    """`text` without any of `secrets`: targets like to repeat what they were sent."""
    for secret in sorted(secrets, key=len, reverse=True):
        if secret:
            text = text.replace(secret, MASK)
    return text


def _said(answer: Answer, secrets: Sequence[str]) -> str:
    if not answer.excerpt or answer.headers.get("Content-Encoding", "identity") != "identity":
        return ""
    text = scrubbed(answer.excerpt.decode("utf-8", "replace"), secrets)
    words = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return f": {words[:_EXCERPT_CHARS]}" if words else ""
