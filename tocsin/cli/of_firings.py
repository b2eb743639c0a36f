"""What `tocsin firings` and `tocsin dead-letters` share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from tocsin.cli import client, storytext
from tocsin.cli.output import emit
from tocsin.cli.paging import paged
from tocsin.cli.settings import common, settings_of

F = TypeVar("F", bound=Callable[..., Any])


def listed(function: F) -> F:
    """Add the options that narrow a list of firings, and those of every list."""
    options = (
        click.option("--namespace", metavar="NAME", help="Only of this namespace."),
        click.option("--sensor", metavar="NAME", help="Only of this sensor."),
        click.option("--trigger", metavar="NAME", help="Only of this trigger."),
        click.option("--replay", metavar="N", help="Only what the replay of this number decided."),
    )
    function = paged(function)
    for option in reversed(options):
        function = option(function)
    return function


def add_show(group: click.Group, plural: str, help: str) -> None:
    """Add `show FIRING` to `group`, which asks the API at `plural`."""

    @group.command("show", help=help)
    @common
    @click.argument("firing")
    @click.pass_context
    def show(ctx: click.Context, firing: str) -> None:
        from tocsin.story import show_firing

        settings = settings_of(ctx)
        found = client.ask(settings, client.path(plural, firing), {}, lambda journal: show_firing(journal, firing))
        emit(settings, found, storytext.firing_text)
