"""`tocsin why`."""

import click

from tocsin.cli import client, storytext
from tocsin.cli.output import emit
from tocsin.cli.settings import common, settings_of


@click.command("why")
@common
@click.argument("what", metavar="FIRING")
@click.pass_context
def command(ctx: click.Context, what: str) -> None:
    """What caused a firing: its events, the sensor that decided, what was sent, and the chain before it.

    FIRING is its id, or at least 8 digits of it.
    """
    from tocsin.story import why

    settings = settings_of(ctx)
    found = client.ask(settings, client.path("why"), {"id": what}, lambda journal: why(journal, what))
    emit(settings, found, storytext.why_text)
