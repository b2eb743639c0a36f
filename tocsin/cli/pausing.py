"""`pause` and `resume`, which `tocsin sources` and `tocsin sensors` share."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

import click

from tocsin.cli import client
from tocsin.cli.acting import by
from tocsin.cli.output import emit, many, message
from tocsin.cli.settings import Settings, common, settings_of

Json = Mapping[str, Any]
DROPS = {
    "sources": "Acknowledge what comes and drop it, instead of telling senders to come back.",
    "sensors": "Skip what comes, and what waits by now, instead of keeping it for later.",
}


def pausing(group: click.Group, plural: str, kind: str) -> None:
    """Give `group` its commands `pause` and `resume`."""

    @group.command("pause", help=f"Hold {kind}s until they are resumed, over restarts too. Needs a running service.")
    @common
    @click.option("--drop", is_flag=True, help=DROPS[plural])
    @_why
    @click.argument("names", nargs=-1, required=True, metavar="NAME...")
    @click.pass_context
    def pause(ctx: click.Context, names: tuple[str, ...], drop: bool, reason: str) -> None:
        settings = settings_of(ctx)
        query = {"mode": "drop" if drop else "hold"}
        _each(settings, names, "paused", _paused, lambda name: _post(settings, client.path(plural, name, "pause"), query, reason))

    if plural == "sensors":
        _resuming_sensors(group)
    else:
        _resuming_sources(group)


def _why(function: Callable[..., None]) -> Callable[..., None]:
    return click.option("--reason", metavar="TEXT", default="", help="Why; it is kept with the pause, and shown.")(function)


def _resuming_sources(group: click.Group) -> None:
    @group.command("resume", help="Let paused event sources go on. Needs a running service.")
    @common
    @click.argument("names", nargs=-1, required=True, metavar="NAME...")
    @click.pass_context
    def resume(ctx: click.Context, names: tuple[str, ...]) -> None:
        settings = settings_of(ctx)
        path = partial(client.path, "sources")
        _each(settings, names, "resumed", _source_resumed, lambda name: _post(settings, path(name, "resume"), {}, ""))


def _resuming_sensors(group: click.Group) -> None:
    @group.command("resume", help="Let paused sensors catch up and go on. Needs a running service.")
    @common
    @click.option(
        "--rate",
        type=click.FloatRange(min=0),
        metavar="N",
        help="Firings a second while it catches up with what it held; 0 for no bound; 100 unless given.",
    )
    @click.argument("names", nargs=-1, required=True, metavar="NAME...")
    @click.pass_context
    def resume(ctx: click.Context, names: tuple[str, ...], rate: float | None) -> None:
        settings = settings_of(ctx)
        query = {} if rate is None else {"rate": f"{rate:g}"}
        path = partial(client.path, "sensors")
        _each(settings, names, "resumed", _sensor_resumed, lambda name: _post(settings, path(name, "resume"), query, ""))


def _each(settings: Settings, names: Sequence[str], word: str, line: Callable[[Json], str], act: Callable[[str], Json]) -> None:
    """Do it to each of `names` and say what became of it. Exits with 1 where one could not be done."""
    done: list[Json] = []
    failed: list[Json] = []
    for name in names:
        try:
            done.append(act(name))
        except client.NoService:
            raise
        except client.Failed as exc:
            failed.append({"name": name, "reason": exc.message})
            message(f"Error: {exc.message}")
    if done or settings.output != "text":
        emit(settings, {word: done, "failed": failed}, lambda _: "\n".join(map(line, done)), items=done)
    if failed:
        sys.exit(1)


def _post(settings: Settings, path: str, query: Mapping[str, str], reason: str) -> Json:
    return client.change(settings, path + (f"?{urlencode(query)}" if query else ""), {"by": by(), "reason": reason})


def _paused(found: Json) -> str:
    waiting = found["paused"].get("waiting")
    return f"{found['name']} is paused" + (f"; {many(waiting, 'event')} waiting" if waiting else "")


def _source_resumed(found: Json) -> str:
    was = found["was"]
    return (
        f"{found['name']} goes on; since {was['since']} it turned away {many(was['held'], 'event')} and dropped {was['dropped']}"
    )


def _sensor_resumed(found: Json) -> str:
    was = found["was"]
    if was["mode"] == "drop":
        return f"{found['name']} goes on; since {was['since']} it skipped {many(was['dropped'], 'event')}"
    pace = f"at {found['rate']:g} firings a second" if found["rate"] else "as fast as it can"
    return f"{found['name']} catches up {pace} with {many(was['waiting'], 'event')} held since {was['since']}"
