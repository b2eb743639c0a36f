"""What `tocsin sources` and `tocsin sensors` share."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from tocsin.cli import client
from tocsin.cli.groups import DefaultGroup
from tocsin.cli.output import emit, many, table
from tocsin.cli.settings import common, settings_of
from tocsin.cli.text import pairs, ways

if TYPE_CHECKING:
    from eventbus.journal import Journal
    from tocsin.kept_objects import Plural

Json = Mapping[str, Any]


def objects_group(plural: "Plural", kind: str) -> click.Group:
    """The group of commands for one kind of object."""

    @click.group(
        plural,
        cls=DefaultGroup,
        help=f"Which {kind}s run, and how they fare: `list` (the default), `show`, `pause` or `resume`.",
    )
    @common
    def group() -> None:
        pass

    @group.command("list", help=f"List every declared {kind} with its state and counts.")
    @common
    @click.pass_context
    def list_(ctx: click.Context) -> None:
        settings = settings_of(ctx)
        page = client.ask(settings, client.path(plural), {}, lambda journal: _kept(journal, plural))
        emit(settings, page, lambda found: _table(found, plural), items=page["items"])

    @group.command("show", help=f"Show one {kind}. NAME is its name, or namespace/name where that is ambiguous.")
    @common
    @click.argument("name")
    @click.pass_context
    def show(ctx: click.Context, name: str) -> None:
        settings = settings_of(ctx)
        found = client.ask(settings, client.path(plural, name), {}, lambda journal: _one(journal, plural, name, kind))
        emit(settings, found, _text)

    return group


async def _kept(journal: "Journal", plural: "Plural") -> client.Json:
    from tocsin.kept_objects import kept_objects
    from tocsin.views import page_view

    return page_view(await kept_objects(journal, plural), None)


async def _one(journal: "Journal", plural: "Plural", name: str, kind: str) -> client.Json:
    from tocsin.kept_objects import kept_object

    return await kept_object(journal, plural, name, kind)


def _table(page: Json, plural: "Plural") -> str:
    if plural == "sources":
        rows = (
            (o["namespace"], o["name"], o["state"], len(o["events"]), sum(e["seen"] for e in o["events"]), o["message"])
            for o in page["items"]
        )
        return table(("NAMESPACE", "NAME", "STATE", "EVENTS", "SEEN", "MESSAGE"), rows, nothing="no event sources")
    rows_ = (
        (
            o["namespace"], o["name"], o["state"], sum(d["matched"] for d in o["dependencies"]),
            sum(d["errors"] for d in o["dependencies"]), (o["last_firing"] or {}).get("decided"), o["message"],
        )
        for o in page["items"]
    )  # fmt: skip
    head = ("NAMESPACE", "NAME", "STATE", "MATCHED", "ERRORS", "LAST FIRING", "MESSAGE")
    return table(head, rows_, nothing="no sensors")


def _text(found: Json) -> str:
    return "\n".join(_lines(found))


def _lines(found: Json) -> Iterator[str]:
    """What is there: an event source has events, a sensor dependencies and triggers."""
    yield from _head(found)
    for event in found.get("events", ()):
        yield from _event(event)
    for item in found.get("dependencies", ()):
        counts = f"{item['matched']} matched, {item['errors']} errors"
        yield f"dependency  {item['name']} on {item['source']}/{item['event']}: {counts}"
    for item in found.get("triggers", ()):
        yield f"trigger     {item['name']} ({item['kind']})" + (f" when {item['conditions']}" if item["conditions"] else "")
    yield from _history(found)
    yield from _faults(found)


def _head(found: Json) -> Iterator[str]:
    yield from pairs(
        {
            "name": f"{found['namespace']}/{found['name']}",
            "state": found["state"],
            "message": found["message"],
            "revision": found["revision"],
        }
    )
    if found.get("paused"):
        yield f"paused      {_pause(found['paused'])}"


def _event(event: Json) -> Iterator[str]:
    where = f", {event['endpoint']}" if event.get("endpoint") else ""
    state = f", {event['state']}" if event.get("state") else ""
    why = f": {event['message']}" if event.get("message") else ""
    yield f"event       {event['name']} ({event['kind']}{where}): {event['seen']} seen{state}{why}"
    if event.get("filter"):
        yield f"filter      {_filter(event['filter'])}"


def _history(found: Json) -> Iterator[str]:
    for gap in found.get("gaps", ()):
        yield f"skipped     {gap['events']} events, up to position {gap['last']}, at {gap['at']}: {gap['reason']}"
    for item in found.get("waiting", ()):
        has = ", ".join(f"{one['dependency']} ({one['id']}, received {one['received']})" for one in item["has"])
        yield f"waiting     {item['trigger']} for {ways(item['waits_for'])}; it has {has}"
    if found.get("last_firing"):
        yield f"last firing {found['last_firing']['id']} at {found['last_firing']['decided']}: {found['last_firing']['state']}"


def _faults(found: Json) -> Iterator[str]:
    for trouble in found.get("troubles", ()):
        todo = f"; {trouble['hint']}" if trouble["hint"] else ""
        yield f"{trouble['what']:<11} {trouble['part']}, since {trouble['since']}: {trouble['reason']}{todo}"
    for problem in found.get("problems", ()):
        yield f"problem     {problem['file']}:{problem['line']}:{problem['column']}: {problem['path']}: {problem['message']}"


def _filter(found: Json) -> str:
    failed = f", {found['failed']} of them because it failed, at last with: {found['reason']}" if found["failed"] else ""
    return f"{' '.join(found['expression'].split())}: {found['left_out'] + found['failed']} left out{failed}"


def _pause(pause: Json) -> str:
    who = f" by {pause['by']}" if pause["by"] else ""
    why = f", because: {pause['reason']}" if pause["reason"] else ""
    counts = ", ".join(f"{many(pause[word], 'event')} {word}" for word in ("waiting", "held", "dropped") if pause.get(word))
    resumed = f"; resumed {pause['resumed']}" if pause.get("resumed") else ""
    by = f" by {pause['resumed_by']}" if pause.get("resumed_by") else ""
    return f"{pause['mode']} since {pause['since']}{who}{why}" + (f": {counts}" if counts else "") + resumed + by
