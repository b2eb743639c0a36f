"""`tocsin firings`."""

from typing import Any

import click

from tocsin.cli import client, text
from tocsin.cli.acting import CANCEL, act_on, choosing
from tocsin.cli.groups import DefaultGroup
from tocsin.cli.of_firings import add_show, listed
from tocsin.cli.output import emit
from tocsin.cli.settings import common, settings_of


@click.group("firings", cls=DefaultGroup)
@common
def command() -> None:
    """What was decided and done: `list` (the default), `show` or `cancel`."""


@command.command("list")
@common
@click.option("--state", metavar="STATE", help="open, succeeded, dead-lettered, skipped, unknown or looped.")
@listed
@click.pass_context
def list_(ctx: click.Context, /, **params: str | None) -> None:
    """List firings, newest first."""
    from tocsin.queries import list_firings

    given = {name: value for name, value in params.items() if value is not None}
    settings = settings_of(ctx)
    page = client.ask(settings, client.path("firings"), params, lambda journal: list_firings(journal, given))
    emit(settings, page, text.firings_table, items=page["items"])


add_show(
    command, "firings", "Show one firing: its events, its attempts, what was sent. FIRING is its id, or at least 8 digits of it."
)


@command.command("cancel")
@common
@choosing
@click.pass_context
def cancel(ctx: click.Context, /, firings: tuple[str, ...], **chosen: Any) -> None:
    """Close open firings untried, or break off their attempt: they are kept as skipped, with who cancelled them and why.

    A firing is named by its id, or at least 8 digits of it. Needs a running service.
    """
    act_on(settings_of(ctx), CANCEL, firings, **chosen)
