"""Options of lists."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def paged(function: F) -> F:
    """Add `--after`, `--before`, `--limit` and `--cursor`."""
    options = (
        click.option("--after", metavar="TIME", help="Only later than this, such as 2026-01-31T12:00:00Z."),
        click.option("--before", metavar="TIME", help="Only earlier than this."),
        click.option("--limit", metavar="N", help="Most items to print, up to 1000.  [default: 50]"),
        click.option("--cursor", metavar="CURSOR", help="Go on where a list ended: its `next`."),
    )
    for option in reversed(options):
        function = option(function)
    return function
