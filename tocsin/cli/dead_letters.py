"""`tocsin dead-letters`."""

from functools import partial
from typing import Any

import click

from tocsin.cli import client, text
from tocsin.cli.acting import DROP, REDRIVE, act_on, choosing
from tocsin.cli.groups import DefaultGroup
from tocsin.cli.of_firings import add_show, listed
from tocsin.cli.output import emit
from tocsin.cli.settings import common, settings_of


@click.group("dead-letters", cls=DefaultGroup)
@common
def command() -> None:
    """What was given up: `list` (the default), `show`, `redrive` or `drop`."""


@command.command("list")
@common
@listed
@click.pass_context
def list_(ctx: click.Context, /, **params: str | None) -> None:
    """List dead letters, newest first."""
    from eventbus.firing import OutcomeKind
    from tocsin.queries import list_firings

    given = {name: value for name, value in params.items() if value is not None}
    settings = settings_of(ctx)
    page = client.ask(
        settings,
        client.path("dead-letters"),
        params,
        lambda journal: list_firings(journal, given, outcome=OutcomeKind.DEAD_LETTERED),
    )
    emit(settings, page, partial(text.firings_table, nothing="no dead letters"), items=page["items"])


add_show(command, "dead-letters", "Show one dead letter. FIRING is its id, or at least 8 digits of it.")


@command.command("redrive")
@common
@choosing
@click.pass_context
def redrive(ctx: click.Context, /, firings: tuple[str, ...], **chosen: Any) -> None:
    """Try dead letters again, under the same ids: those that FIRINGS name, or all that the options find.

    A firing is named by its id, or at least 8 digits of it. Needs a running service.
    """
    act_on(settings_of(ctx), REDRIVE, firings, **chosen)


@command.command("drop")
@common
@choosing
@click.pass_context
def drop(ctx: click.Context, /, firings: tuple[str, ...], **chosen: Any) -> None:
    """End dead letters for good: they are kept as skipped, with who dropped them and why.

    A firing is named by its id, or at least 8 digits of it. Needs a running service.
    """
    act_on(settings_of(ctx), DROP, firings, **chosen)
