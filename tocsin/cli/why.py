"""`tocsin why`."""

import click

from tocsin.cli import client, storytext
from tocsin.cli.output import emit
from tocsin.cli.settings import common, settings_of


@click.command("why")
@common
@click.argument("what", metavar="WHAT")
@click.pass_context
def command(ctx: click.Context, what: str) -> None:
    """What caused this: a firing, an attempt, or an object.

    WHAT is the id of a firing, or at least 8 digits of it: its events, the sensor that decided, what was sent, and the chain
    before it; FIRING/N is its Nth attempt. Sensor/NAMESPACE/NAME: what the sensor fired last, and why it did or did not on the
    newest events. EventSource/NAMESPACE/NAME: what came of its newest events. Any other KIND/NAMESPACE/NAME, such as
    Job/shop/import-1a2b3c4d5e: the firing that made this object of a cluster.
    """
    from tocsin.story import why

    settings = settings_of(ctx)
    found = client.ask(settings, client.path("why"), {"id": what}, lambda journal: why(journal, what))
    emit(settings, found, storytext.why_text)
