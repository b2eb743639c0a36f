"""`tocsin version`."""

import sys

import click

from tocsin import __version__
from tocsin.cli.output import emit
from tocsin.cli.settings import common, settings_of


@click.command("version")
@common
@click.pass_context
def command(ctx: click.Context) -> None:
    """Print the version of tocsin and of the Python that runs it."""
    python = ".".join(map(str, sys.version_info[:3]))
    emit(
        settings_of(ctx),
        {"version": __version__, "python": python},
        lambda found: f"tocsin {found['version']} (Python {found['python']})",
    )
