"""`tocsin explain`."""

import click

from tocsin.cli import client, storytext
from tocsin.cli.output import emit
from tocsin.cli.settings import common, settings_of


@click.command("explain")
@common
@click.argument("event")
@click.argument("sensor", required=False)
@click.pass_context
def command(ctx: click.Context, event: str, sensor: str | None) -> None:
    """Why an event did, or did not, fire: each sensor that looked, the clause that decided, the value it saw.

    EVENT is its id, or source/name/id where that is ambiguous. With SENSOR (its name, or namespace/name) only that one.
    """
    from tocsin.story import explain

    settings = settings_of(ctx)
    params = {"id": event, "sensor": sensor}
    found = client.ask(settings, client.path("explain"), params, lambda journal: explain(journal, event, sensor))
    emit(settings, found, storytext.explain_text)
