"""What AWS Lambda answered, and what that means for a firing: done, again later, or given up."""

from base64 import b64decode
from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec

from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.http_answer import retry_after_s, scrubbed

_SAID_CHARS = 200
LOG_CHARS = 200
"""Of the end of a function's log."""

# Someone can put these right without touching the manifest.
_OF_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
# Too much at once, or a function that is being made or changed; the rest is told by its status.
_TRANSIENT = frozenset(
    {"Throttling", "ThrottlingException", "ResourceConflictException", "SnapStartNotReadyException", "RequestTimeout"}
)


class AwsFailure(Exception):
    """AWS answered that it did not do it."""

    def __init__(self, *, operation: str, code: str, said: str, status: int, retry_after: str = "") -> None:
        super().__init__(said)
        self.operation = operation
        self.code = code
        self.said = said
        self.status = status
        self.retry_after = retry_after

    @property
    def of_credentials(self) -> bool:
        """Whether other credentials may do."""
        return self.code in _OF_CREDENTIALS

    @property
    def transient(self) -> bool:
        """Whether it may pass by itself."""
        return self.status == 429 or self.status >= 500 or self.code in _TRANSIENT


class Invoked(NamedTuple):
    """What an invocation came back with."""

    status: int
    request_id: str = ""
    version: str = ""
    """Of the function that ran."""
    function_error: str = ""
    """How the function failed; empty where it did not."""
    log: str = ""
    """The end of its log, in base64."""
    payload: bytes = b""


class _Error(msgspec.Struct):
    """What a function that failed answers."""

    errorType: str = ""  # noqa: N815 - as on the wire
    errorMessage: str = ""  # noqa: N815


def told(failure: AwsFailure, where: str, secrets: Sequence[str]) -> TriggerUnavailable | TriggerRefused:
    """The error to raise for `failure`: throttling, server errors and credentials may pass, all else does not."""
    said = _plain(scrubbed(failure.said, secrets))[:_SAID_CHARS]
    asked = "" if failure.operation == "Invoke" else f" to {failure.operation}"
    message = f"{where} answered{asked} {failure.status} {failure.code or 'without a code'}" + (f": {said}" if said else "")
    if failure.of_credentials or failure.transient:
        return TriggerUnavailable(message, retry_after_s=retry_after_s(failure.retry_after), status=failure.status)
    return TriggerRefused(message, status=failure.status)


def judge(answer: Invoked, allow: Collection[int] | None, where: str) -> str:
    """What is recorded of a success: the function did not fail, and the status is in `allow`, or 2xx where that is None.

    Raises `TriggerUnavailable` for a function that failed, which may be better the next time, and `TriggerRefused` for a status
    that is not wanted.
    """
    if answer.function_error:
        said = _failed(answer)
        raise TriggerUnavailable(f"{where} failed ({answer.function_error}){said}{_end(answer)}", status=answer.status)
    if not (answer.status in allow if allow is not None else 200 <= answer.status < 300):
        raise TriggerRefused(f"{where} answered {answer.status}{_end(answer)}", status=answer.status)
    return _end(answer).removeprefix("; ")


def _failed(answer: Invoked) -> str:
    try:
        error = msgspec.json.decode(answer.payload, type=_Error)
    except (msgspec.DecodeError, RecursionError):
        error = _Error()
    words = ": ".join(word for word in (_plain(error.errorType), _plain(error.errorMessage)) if word)
    return f": {words[:_SAID_CHARS]}" if words else ""


def _end(answer: Invoked) -> str:
    """Version, request and the end of the log."""
    parts = [("version", answer.version), ("request", answer.request_id), ("log", _log(answer.log))]
    return "".join(f"; {name} {text}" for name, text in parts if text)


def _log(text: str) -> str:
    try:
        lines = b64decode(text, validate=True).decode("utf-8", "replace")
    except ValueError:
        return ""
    return _plain(lines)[-LOG_CHARS:]


def _plain(text: str) -> str:
    """`text` in one line."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
