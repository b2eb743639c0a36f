"""Questions about replays, the same for the API and for the command line on a data folder."""

from collections.abc import Mapping

from eventbus.journal import Journal
from tocsin.queries import NotFound, QueryError
from tocsin.replaying import record
from tocsin.replaying.record import Asked, Replay, replay_view
from tocsin.views import Json, page_view

_KNOWN = ("event", "from", "to", "sensor", "as_decided", "limit")


def asked_of(params: Mapping[str, str]) -> Asked:
    """What the parameters ask for. Raises `QueryError` naming the one that is wrong."""
    if unknown := sorted(set(params) - set(_KNOWN)):
        raise QueryError(f"unknown parameter {unknown[0]!r}; expected one of {', '.join(_KNOWN)}")
    return Asked(
        event=params.get("event") or None,
        after=params.get("from") or None,
        before=params.get("to") or None,
        sensor=params.get("sensor") or None,
        as_decided=_yes(params.get("as_decided", "false")),
        most=_most(params.get("limit")),
    )


def _yes(text: str) -> bool:
    if text not in ("true", "false"):
        raise QueryError(f"as_decided: expected true or false, got {text!r}")
    return text == "true"


def _most(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text[:12]) >= 1):
        raise QueryError(f"limit: {text!r} is no number of firings from 1 on")
    return int(text)


async def list_replays(journal: Journal) -> Json:
    """Every replay, newest first."""
    return page_view([replay_view(replay) for replay in reversed(await record.load(journal))], None)


async def show_replay(journal: Journal, number: str) -> Json:
    """One replay."""
    return replay_view(await find_replay(journal, number))


async def find_replay(journal: Journal, number: str) -> Replay:
    """The replay with this number. Raises `NotFound`."""
    found = await record.find(journal, int(number)) if number.isascii() and number.isdigit() and len(number) <= 10 else None
    if found is None:
        raise NotFound(f"no replay {number!r}; `tocsin replays` lists them")
    return found
