"""`tocsin replays`."""

import click

from tocsin.cli import client, replaytext
from tocsin.cli.acting import by
from tocsin.cli.groups import DefaultGroup
from tocsin.cli.output import emit
from tocsin.cli.settings import common, settings_of


@click.group("replays", cls=DefaultGroup)
@common
def command() -> None:
    """What was done again on purpose: `list` (the default), `show` or `cancel`."""


@command.command("list")
@common
@click.pass_context
def list_(ctx: click.Context) -> None:
    """List replays, newest first."""
    from tocsin.replaying.asking import list_replays

    settings = settings_of(ctx)
    page = client.ask(settings, client.path("replays"), {}, list_replays)
    emit(settings, page, replaytext.replays_table, items=page["items"])


@command.command("show")
@common
@click.argument("number")
@click.pass_context
def show(ctx: click.Context, number: str) -> None:
    """Show one replay: what was asked for, by whom, how far it has got."""
    from tocsin.replaying.asking import show_replay

    settings = settings_of(ctx)
    found = client.ask(settings, client.path("replays", number), {}, lambda journal: show_replay(journal, number))
    emit(settings, found, replaytext.replay_text)


@command.command("cancel")
@common
@click.argument("number")
@click.option("--reason", metavar="TEXT", default="", help="Why; it is kept with the replay.")
@click.pass_context
def cancel(ctx: click.Context, number: str, reason: str) -> None:
    """End a replay where it is: it opens no more firings. Those that are open stay so. Needs a running service."""
    settings = settings_of(ctx)
    found = client.change(settings, client.path("replays", number, "cancel"), {"by": by(), "reason": reason})
    emit(settings, found, replaytext.replay_text)
