"""`tocsin events`."""

import click

from tocsin.cli import capture, client, text
from tocsin.cli.groups import DefaultGroup
from tocsin.cli.output import emit
from tocsin.cli.paging import paged
from tocsin.cli.settings import common, settings_of


@click.group("events", cls=DefaultGroup)
@common
def command() -> None:
    """What came in: `list` (the default), `show` or `capture`."""


command.add_command(capture.command)


@command.command("list")
@common
@click.option("--namespace", metavar="NAME", help="Only of this namespace.")
@click.option("--source", metavar="NAME", help="Only of this event source.")
@click.option("--name", metavar="NAME", help="Only with this event name.")
@click.option("--type", "event_type", metavar="TYPE", help="Only of this CloudEvents type.")
@paged
@click.pass_context
def list_(ctx: click.Context, /, event_type: str | None, **wanted: str | None) -> None:
    """List events, newest first."""
    from tocsin.queries import list_events

    params = {"type": event_type, **wanted}
    given = {name: value for name, value in params.items() if value is not None}
    settings = settings_of(ctx)
    page = client.ask(settings, client.path("events"), params, lambda journal: list_events(journal, given))
    emit(settings, page, text.events_table, items=page["items"])


@command.command("show")
@common
@click.argument("event")
@click.pass_context
def show(ctx: click.Context, event: str) -> None:
    """Show one event with its data. EVENT is its id, or source/name/id where that is ambiguous."""
    from tocsin.queries import show_event

    settings = settings_of(ctx)
    found = client.ask(settings, client.path("events", event), {}, lambda journal: show_event(journal, event))
    emit(settings, found, text.event_text)
