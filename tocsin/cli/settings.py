"""The options that every command has, wherever on the line they stand."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

F = TypeVar("F", bound=Callable[..., Any])
FORMATS = ("text", "json", "jsonl")


class Settings:
    """What the common options say."""

    def __init__(self) -> None:
        self.output = "text"
        self.data = ".tocsin"
        self.server = ""
        """Empty: the service that runs on the data folder, where one does."""
        self.verbose = 0


def settings_of(ctx: click.Context) -> Settings:
    """The settings of this invocation, shared by the root command and all below it."""
    return ctx.find_root().ensure_object(Settings)


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    name = param.name or ""
    if ctx.get_parameter_source(name) is not ParameterSource.DEFAULT:
        setattr(settings_of(ctx), name, value)


class _Often(click.IntRange):
    """How often a flag is given; the environment may say yes or no instead."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        word = value.strip().lower() if isinstance(value, str) else value
        return int(super().convert(_WORDS.get(word, value), param, ctx))


_WORDS = {**dict.fromkeys(("true", "yes", "on"), 1), **dict.fromkeys(("false", "no", "off"), 0)}


def common(function: F, *, root: bool = False, writes: bool = False) -> F:
    """Add `-o`, `--data`, `--server` and `-v`. The nearest to the command's name's right wins; the root reads the environment.

    `writes`: the command has an `--output` of its own, the file to write.
    """

    def env(name: str) -> str | None:
        return name if root else None

    long = "output" if writes else "--output"
    options = (
        click.option(
            "-o", long, type=click.Choice(FORMATS), help="How results are printed.  [default: text]",
            envvar=env("TOCSIN_OUTPUT"), expose_value=False, callback=_remember,
        ),
        click.option(
            "--data", metavar="DIR", help="Data folder.  [default: .tocsin]",
            envvar=env("TOCSIN_DATA"), expose_value=False, callback=_remember,
        ),
        click.option(
            "--server", metavar="URL", help="API of a running service.  [default: the one that runs on the data folder]",
            envvar=env("TOCSIN_SERVER"), expose_value=False, callback=_remember,
        ),
        click.option(
            "-v", "--verbose", count=True, type=_Often(min=0), help="Say more on stderr; twice for still more.",
            envvar=env("TOCSIN_VERBOSE"), expose_value=False, callback=_remember,
        ),
    )  # fmt: skip
    for option in options if root else reversed(options):  # decorators apply from the last to the first
        function = option(function)
    return function
