"""A delivery of GitHub: what its headers name, its payload, and whether the two agree. Pure functions."""

from sources.http.answers import Refused
from sources.http.payload import values_by_name, written_anew
from sources.http.source import Received
from sources.json_text import Decoded

EVENT, DELIVERY = "X-GitHub-Event", "X-GitHub-Delivery"
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_LONGEST_HEADER = 128


def named(request: Received, header: str) -> str:
    """The value of a header that names the delivery: one, short, of plain characters. Raises `Refused` (400)."""
    values = request.headers.getall(header, [])
    if len(values) != 1:
        raise Refused(400, f"{header}: expected exactly one; is the sender GitHub?")
    value = values[0]
    if not 0 < len(value) <= _LONGEST_HEADER or not value.isascii() or not value.replace("-", "").replace("_", "").isalnum():
        raise Refused(400, f"{header}: expected up to {_LONGEST_HEADER} letters, digits, - and _")
    return value


def payload_of(request: Received) -> bytes:
    """The JSON text of a delivery, from either of the content types that GitHub sends. Raises `Refused` (400, 415)."""
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type == _JSON:
        return request.body
    if media_type != _FORM:
        raise Refused(415, f"expected Content-Type {_JSON} or {_FORM}", headers=(("Accept", f"{_JSON}, {_FORM}"),))
    try:
        payloads = values_by_name(request.body.decode()).get("payload", [])
    except UnicodeDecodeError:
        raise Refused(400, "the form is not UTF-8") from None
    if len(payloads) != 1:
        raise Refused(400, "expected exactly one form field named payload")
    return payloads[0].encode()


_TOLD_BY: dict[str, str] = {
    "ping": "zen",
    "push": "ref",
    "pull_request": "pull_request",
    "release": "release",
    "workflow_run": "workflow_run",
    "package": "package",
    "registry_package": "registry_package",
    "deployment": "deployment",
    "deployment_status": "deployment_status",
    "check_suite": "check_suite",
    "check_run": "check_run",
    "issues": "issue",
    "issue_comment": "comment",
}
"""A key that every body of an event has."""
_TELLING = frozenset(_TOLD_BY.values())


def agree(event: str, body: dict[str, object]) -> None:
    """Refuse (400) a body that is recognisably of another event than the header says.

    The event's name stands in a header, which no signature covers: without this, a signed body of one event could be
    passed off as another. A body that tells nothing is taken at the header's word.
    """
    own = _TOLD_BY.get(event)
    if own is not None and own not in body and not _TELLING.isdisjoint(body):
        raise Refused(400, f"{EVENT} and the payload disagree: a {event} has the key {own}")


def with_names(raw: bytes, payload: Decoded, event: str, delivery: str) -> bytes:
    """The payload's text with the two names at its end; puts them into its value, too."""
    body = payload.value
    taken = EVENT in body or DELIVERY in body
    body[EVENT] = event
    body[DELIVERY] = delivery
    if taken or len(body) == 2:
        # The payload's own keys of these names would stay in the text, and readers differ on which of two counts.
        return written_anew(body, payload)
    names = b',"X-GitHub-Event":"%b","X-GitHub-Delivery":"%b"}' % (event.encode(), delivery.encode())
    return raw.rstrip(b" \t\r\n")[:-1] + names
