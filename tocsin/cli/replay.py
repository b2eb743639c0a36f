"""`tocsin replay`."""

import sys
import time
from collections.abc import Mapping
from typing import Any

import click

from tocsin.cli import client, replaytext
from tocsin.cli.acting import by
from tocsin.cli.output import emit, message
from tocsin.cli.settings import Settings, common, settings_of

LOOK_AGAIN_S = 0.25
SAY_EVERY_S = 2.0


@click.command("replay")
@common
@click.argument("event", required=False)
@click.option("--from", "after", metavar="TIME", help="Events received from then on, such as 2026-01-31T12:00:00Z.")
@click.option("--to", "before", metavar="TIME", help="Events received before then.  [default: now]")
@click.option("--sensor", metavar="NAME", help="Only what this sensor decides; its name, or namespace/name.")
@click.option(
    "--as-decided", is_flag=True, help="Decide with the revisions in force when the events came in, not with those in force now."
)
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="End after N firings.")
@click.option("--rate", metavar="N", type=click.FloatRange(min=0), help="Firings a second; 0 for no bound.  [default: 50]")
@click.option(
    "--name", metavar="NAME", default="", help="A name for it: asked for again under the same name, it is not done twice."
)
@click.option("--reason", metavar="TEXT", default="", help="Why; it is kept with the replay.")
@click.option("--yes", is_flag=True, help="Do it, instead of showing what would be done.")
@click.option("--detach", is_flag=True, help="With --yes: do not wait for its end.")
@click.pass_context
def command(ctx: click.Context, /, event: str | None, **options: Any) -> None:
    """Do it again on purpose: decide an event, or all events of a span of time, anew, and carry out what that leads to.

    EVENT is an event's id, or source/name/id where that is ambiguous. Shows first what would run; does it only with --yes, which
    needs a running service. A replay has a number, which is part of the ids of its firings, so they are new to their targets. It
    goes on after a restart, and the same command while it is under way follows it instead of doing it twice. Ctrl-C cancels it.
    """
    if event is None and options["after"] is None:
        raise click.UsageError("name an event, or a span of time by --from and --to")
    if event is not None and (options["after"] or options["before"]):
        raise click.UsageError("name an event or a span of time, not both")
    settings = settings_of(ctx)
    if not options["yes"]:
        _preview(settings, event, options)
        return
    began = _begin(settings, event, options)
    if options["detach"]:
        _say(began)
        emit(settings, began, replaytext.replay_text)
        return
    ended = _follow(settings, began)
    emit(settings, ended, replaytext.replay_text)
    if ended["state"] != "done":
        sys.exit(1)


def _preview(settings: Settings, event: str | None, options: Mapping[str, Any]) -> None:
    from tocsin.replaying.asking import asked_of
    from tocsin.replaying.preview import preview

    params = {"event": event, "from": options["after"], "to": options["before"], "sensor": options["sensor"]}
    params |= {"as_decided": "true" if options["as_decided"] else None}
    params |= {"limit": None if options["limit"] is None else str(options["limit"])}
    given = {name: value for name, value in params.items() if value is not None}
    found = client.ask(settings, client.path("replays", "preview"), params, lambda journal: preview(journal, asked_of(given)))
    emit(settings, found, replaytext.preview_text)
    message("nothing was done; --yes does it")


def _begin(settings: Settings, event: str | None, options: Mapping[str, Any]) -> client.Json:
    body: dict[str, Any] = {"event": event, "from": options["after"], "to": options["before"], "sensor": options["sensor"]}
    body |= {"as_decided": options["as_decided"], "limit": options["limit"], "name": options["name"]}
    body |= {"by": by(), "reason": options["reason"]}
    if options["rate"] is not None:
        body["rate"] = options["rate"]
    return client.change(settings, client.path("replays"), body)


def _say(began: client.Json) -> None:
    number = began["number"]
    message(f"replay {number} {'is there already' if began['present'] else 'begins'}: {began['what']}")
    message(f"`tocsin firings list --replay {number}` lists what it fires")


def _follow(settings: Settings, replay: client.Json) -> client.Json:
    """Wait for its end, and say how far it is. Ctrl-C cancels it; without the service it goes on when that is back."""
    number = str(replay["number"])
    said_at = time.monotonic()
    try:
        _say(replay)
        while replay["state"] == "running":
            time.sleep(LOOK_AGAIN_S)
            replay = client.get(settings, client.path("replays", number), {})
            if time.monotonic() - said_at > SAY_EVERY_S:
                said_at = time.monotonic()
                message(replaytext.progress(replay))
    except KeyboardInterrupt:
        return client.change(settings, client.path("replays", number, "cancel"), {"by": by(), "reason": "Ctrl-C"})
    except client.Failed as exc:
        raise client.Failed(
            f"{exc.message}; replay {number} goes on when the service is back: `tocsin replays show {number}`"
        ) from exc
    return replay
