"""`tocsin trace`."""

import click

from tocsin.cli import client, storytext
from tocsin.cli.output import emit
from tocsin.cli.settings import common, settings_of


@click.command("trace")
@common
@click.argument("event")
@click.pass_context
def command(ctx: click.Context, event: str) -> None:
    """Everything that followed from an event: firings, attempts, outcomes, and the events they caused.

    EVENT is its id, or source/name/id where that is ambiguous.
    """
    from tocsin.story import trace

    settings = settings_of(ctx)
    found = client.ask(settings, client.path("trace"), {"id": event}, lambda journal: trace(journal, event))
    emit(settings, found, storytext.trace_text)
