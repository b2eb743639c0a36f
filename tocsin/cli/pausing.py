"""`pause` and `resume`, which `tocsin sources` and `tocsin sensors` share."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import click

from tocsin.cli import client
from tocsin.cli.acting import by
from tocsin.cli.output import emit
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
        done = [_post(settings, client.path(plural, name, "pause"), query, reason) for name in names]
        emit(settings, {"paused": done}, lambda found: "\n".join(map(_paused, found["paused"])))

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
        done = [_post(settings, client.path("sources", name, "resume"), {}, "") for name in names]
        emit(settings, {"resumed": done}, lambda found: "\n".join(map(_source_resumed, found["resumed"])))


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
        done = [_post(settings, client.path("sensors", name, "resume"), query, "") for name in names]
        emit(settings, {"resumed": done}, lambda found: "\n".join(map(_sensor_resumed, found["resumed"])))


def _post(settings: Settings, path: str, query: Mapping[str, str], reason: str) -> Json:
    return client.change(settings, path + (f"?{urlencode(query)}" if query else ""), {"by": by(), "reason": reason})


def _paused(found: Json) -> str:
    waiting = found["paused"].get("waiting")
    return f"{found['name']} is paused" + (f"; {waiting} events wait" if waiting else "")


def _source_resumed(found: Json) -> str:
    was = found["was"]
    return f"{found['name']} goes on; since {was['since']} it turned away {was['held']} events and dropped {was['dropped']}"


def _sensor_resumed(found: Json) -> str:
    was = found["was"]
    if was["mode"] == "drop":
        return f"{found['name']} goes on; since {was['since']} it skipped {was['dropped']} events"
    pace = f"at {found['rate']:g} firings a second" if found["rate"] else "as fast as it can"
    return f"{found['name']} catches up {pace} with {was['waiting']} events held since {was['since']}"
