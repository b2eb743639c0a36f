"""How results reach stdout: text for people, JSON for programs."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import click

from tocsin.cli.settings import Settings
from tocsin.encoding import dumps

if TYPE_CHECKING:
    import re

Json = Mapping[str, Any]


class CannotWrite(click.ClickException):
    """The results could not be written; exit code 1. A reader that has gone is none of it: that stays a `BrokenPipeError`."""


def emit(settings: Settings, document: Json, text: Callable[[Any], str], *, items: Iterable[Json] | None = None) -> None:
    """Print `document` as the settings ask. With `jsonl`, one line for each of `items`, or the document where there are none."""
    if settings.output == "text":
        echo(text(document))
    elif settings.output == "json":
        write_json(document, indent=True)
    else:
        for item in [document] if items is None else items:
            write_json(item)


def echo(text: str) -> None:
    """Write text to stdout, whatever is in it: what the terminal cannot show is escaped."""
    encoding = sys.stdout.encoding or "utf-8"
    _write(text.encode(encoding, "backslashreplace").decode(encoding))


def write_json(value: object, *, indent: bool = False) -> None:
    """Write one JSON value and a newline to stdout."""
    _write(dumps(value, indent=indent))


def _write(text: bytes | str) -> None:
    try:
        click.echo(text)
    except BrokenPipeError:
        raise
    except OSError as exc:
        stop_writing()
        raise CannotWrite(f"the results cannot be written: {exc.strerror or exc}") from exc


def stop_writing() -> None:
    """Let what is still to be written to stdout go nowhere, so that the process can end, or go on, without it."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def message(text: str) -> None:
    """Tell the person something that is no result. Nothing depends on whether it can be told."""
    with contextlib.suppress(OSError):
        click.echo(text, err=True)


def json_lines(value: object) -> list[str]:
    """`value` as indented JSON; what would steer a terminal, or show a text as another one, is an escape."""
    import json

    text = json.dumps(value, indent=2, ensure_ascii=False)
    return steering().sub(lambda found: json.dumps(found[0])[1:-1], text).split("\n")


@cache
def steering() -> "re.Pattern[str]":
    """Control characters but for the line feed, those that turn the direction of writing, and halves of surrogate pairs."""
    import re

    return re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def many(count: int, what: str) -> str:
    """`1 firing`, `2 firings`."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, nothing: str) -> str:
    """Columns wide enough for their longest cell; `nothing` where there are no rows."""
    cells = [[_cell(cell) for cell in row] for row in rows]
    if not cells:
        return nothing
    widths = [max(len(row[n]) for row in [head, *cells]) for n in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    title = "  ".join(cell.ljust(width) for cell, width in zip(head, widths, strict=True)).rstrip()
    return "\n".join([click.style(title, bold=True), *lines])


def _cell(value: object) -> str:
    text = "-" if value is None or value == "" else str(value)
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
