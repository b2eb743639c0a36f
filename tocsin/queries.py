"""Questions to the journal, the same for the API and for the command line on a data folder."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from eventbus.event import Recorded
from eventbus.firing import OutcomeKind
from eventbus.journal import EventFilter, FiringFilter, FiringRecord, Journal
from tocsin.views import Json, event_view, firing_view, identity_view, page_view, when

MAX_LIMIT = 1000
FIRING_DIGITS = 32
"""Of a whole id of a firing."""


class QueryError(Exception):
    """A question that cannot be answered as it was put."""

    status = 400

    def __init__(self, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.more = more


class NotFound(QueryError):
    """There is no such thing."""

    status = 404


class Ambiguous(QueryError):
    """Several things have this name; `candidates` lists them."""

    status = 409


class Busy(QueryError):
    """Not now."""

    status = 503


class Conflict(QueryError):
    """It is not in a state in which this can be done."""

    status = 409


async def list_events(journal: Journal, params: Mapping[str, str]) -> Json:
    """A page of events, newest first. Parameters: namespace, source, name, type, after, before, limit, cursor.

    Raises `QueryError`.
    """
    try:
        page = await journal.events(event_filter(params), limit=_limit(params), cursor=params.get("cursor") or None)
    except ValueError as exc:
        raise QueryError(f"cursor: {exc}") from exc
    return page_view([event_view(item, data=False) for item in page.items], page.next)


def event_filter(params: Mapping[str, str]) -> EventFilter:
    """The filter that `params` ask for. Raises `QueryError`."""
    _only(params, {"namespace", "source", "name", "type", "after", "before", "limit", "cursor"})
    return EventFilter(
        namespace=params.get("namespace"),
        source=params.get("source"),
        name=params.get("name"),
        type=params.get("type"),
        after_us=_moment(params, "after"),
        before_us=_moment(params, "before"),
    )


def firing_wanted(params: Mapping[str, str]) -> None:
    """Refuse parameters that following firings does not know. Raises `QueryError`."""
    _only(params, {"namespace", "sensor", "trigger", "state", "replay"})
    _replay(params)


async def list_firings(journal: Journal, params: Mapping[str, str], *, outcome: OutcomeKind | None = None) -> Json:
    """A page of firings, newest first. Parameters: namespace, sensor, trigger, replay, after, before, limit, cursor, and state
    unless `outcome` says it already. Raises `QueryError`.
    """
    known = {"namespace", "sensor", "trigger", "replay", "after", "before", "limit", "cursor"}
    _only(params, known if outcome else known | {"state"})
    state = params.get("state", "")
    wanted = FiringFilter(
        namespace=params.get("namespace"),
        sensor=params.get("sensor"),
        trigger=params.get("trigger"),
        outcome=outcome or (None if state in ("", "open") else _outcome(state)),
        open=True if state == "open" else None,
        replay=_replay(params),
        after_us=_moment(params, "after"),
        before_us=_moment(params, "before"),
    )
    try:
        page = await journal.firings(wanted, limit=_limit(params), cursor=params.get("cursor") or None)
    except ValueError as exc:
        raise QueryError(f"cursor: {exc}") from exc
    return page_view([firing_view(item) for item in page.items], page.next)


async def find_event(journal: Journal, name: str) -> Recorded:
    """The one event that `name` names: its id, or `source/name/id`, or `namespace/source/name/id`.

    Raises `NotFound` or `Ambiguous`.
    """
    found = list(await journal.find(name))
    if not found and (parts := name.split("/", 2))[2:]:
        found = [item for item in await journal.find(parts[2]) if [*item.event.road[1:]] == parts[:2]]
    if not found and (parts := name.split("/", 3))[3:]:
        found = [item for item in await journal.find(parts[3]) if [*item.event.road] == parts[:3]]
    if not found:
        raise NotFound(f"no event {name!r}; {await off_record(journal)}`tocsin events` lists what there is")
    if len({item.event.identity for item in found}) > 1:
        candidates = [identity_view(item.event.identity) for item in found]
        raise Ambiguous(f"{len(found)} events have the id {name!r}; name one of them as {NAMED_AS}", candidates=candidates)
    return found[-1]


NAMED_AS = "namespace/source/name/id"


async def off_record(journal: Journal) -> str:
    """From when on there is a record of everything; empty where nothing was removed yet."""
    kept = await journal.kept()
    return f"what was received before {when(kept.since_us)} is no longer kept; " if kept.removed_events else ""


async def data_gone(journal: Journal) -> str:
    """What to say about an event whose data was removed."""
    return f"its data is no longer kept, only that of events since {when((await journal.kept()).data_since_us)} is"


async def show_event(journal: Journal, name: str) -> Json:
    """One event with its data, or with a word on where that went."""
    recorded = await find_event(journal, name)
    gone = None if recorded.event.forgotten is None else await data_gone(journal)
    return event_view(recorded, data=True) | {"gone": gone}


async def find_firing(journal: Journal, name: str) -> FiringRecord:
    """The firing whose id is `name` or begins with it. Raises `NotFound` where there is none, or more than one."""
    record = await journal.firing(name)
    if record is None:
        raise NotFound(f"no firing {name!r}; {await _no_firing(journal, name)}")
    return record


async def _no_firing(journal: Journal, name: str) -> str:
    """What to say of a name that no firing has, or several may have."""
    if await journal.find(name):
        return "it is the id of an event: `tocsin trace` and `tocsin explain` tell what came of it"
    if len(name) < 8:
        hint = "give at least 8 digits of its id; "
    else:
        hint = "" if len(name) >= FIRING_DIGITS else "or several begin so; give more digits; "
    return f"{hint}{await off_record(journal)}`tocsin firings` lists what there is"


def candidates_of(exc: QueryError) -> Sequence[str]:
    """The candidates of an ambiguous name as one would type them."""
    return ["/".join((c["namespace"], c["source"], c["name"], c["id"])) for c in exc.more.get("candidates", ())]


def _only(params: Mapping[str, str], known: set[str]) -> None:
    if unknown := sorted(set(params) - known):
        raise QueryError(f"unknown parameter {unknown[0]!r}; expected one of {', '.join(sorted(known))}")


def _limit(params: Mapping[str, str]) -> int:
    text = params.get("limit", "50")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= MAX_LIMIT):
        raise QueryError(f"limit: {text!r} is no number from 1 to {MAX_LIMIT}")
    return int(text)


def _replay(params: Mapping[str, str]) -> int | None:
    text = params.get("replay")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) >= 1):
        raise QueryError(f"replay: {text!r} is no number of a replay; `tocsin replays` lists them")
    return int(text)


def _outcome(text: str) -> OutcomeKind:
    try:
        return OutcomeKind(text)
    except ValueError:
        kinds = ", ".join(("open", *OutcomeKind))
        raise QueryError(f"state: {text!r} is none of {kinds}") from None


def _moment(params: Mapping[str, str], name: str) -> int | None:
    text = params.get(name)
    if not text:
        return None
    try:
        moment = parse_time(text)
    except ValueError as exc:
        raise QueryError(f"{name}: {exc}") from None
    return int(moment.timestamp() * 1_000_000)


def parse_time(text: str) -> datetime:
    """RFC 3339 text with its zone as a time. Raises `ValueError` saying what was expected."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time such as 2026-01-31T12:00:00Z") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone; write for instance {moment.isoformat()}Z")
    return moment
