"""Groups of commands: imported on demand, and with a command that is meant when none is named."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

import click


class Lazy(NamedTuple):
    """A command that is imported when it is called or its own help is asked for."""

    module: str
    help: str
    """One line for the list of commands."""
    attribute: str = "command"


class LazyGroup(click.Group):
    """A group whose commands are named here and imported on demand."""

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], aliases: Mapping[str, str] | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lazy = dict(lazy)
        self._aliases = dict(aliases or {})

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order given, aliases left out."""
        return list(self._lazy)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return the command `name`, or None."""
        lazy = self._lazy.get(self._aliases.get(name, name))
        if lazy is None:
            return None
        command: click.Command = getattr(import_module(lazy.module), lazy.attribute)
        read_environment(command, self._aliases.get(name, name))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in self._lazy.items()])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name where there is no such command."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self._lazy and name not in self._aliases:
            ctx.fail(f"no such command {name!r}{nearest(name, [*self._lazy, *self._aliases])}")
        return super().resolve_command(ctx, args)


class DefaultGroup(click.Group):
    """A group that runs its command `default` when none is named, so that `tocsin events -o json` lists."""

    default = "list"

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command in where the first word is not a command."""
        if "--help" not in args[:1]:
            word = self._first_word(args)
            if word is None:
                args = [self.default, *args]
            elif word not in self.commands:
                ctx.fail(f"no such command {word!r}; to see one, use `{ctx.command_path} show {word}`")
        return super().parse_args(ctx, args)

    def _first_word(self, args: list[str]) -> str | None:
        """The first argument that is neither an option of this group nor such an option's value."""
        takes_value = {
            name: isinstance(param, click.Option) and not param.is_flag and not param.count
            for param in self.params
            for name in param.opts
        }
        rest = iter(args)
        for arg in rest:
            if not arg.startswith("-"):
                return arg
            if arg not in takes_value and arg.split("=")[0] not in takes_value:
                return None  # an option of the default command
            if takes_value.get(arg):
                next(rest, None)
        return None


def read_environment(command: click.Command, words: str) -> None:
    """Let every option be given as `TOCSIN_<COMMAND>_<OPTION>` too, where it has no name of its own in the environment.

    With the command in it, so that what is set for one does not mean something else to another. The options that all
    commands share are left to the root, which reads them once: what stands on the line counts more.
    """
    for param in command.params:
        if isinstance(param, click.Option) and param.envvar is None and param.expose_value:
            param.envvar = f"TOCSIN_{words}_{param.opts[0].lstrip('-')}".replace("-", "_").upper()
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            read_environment(below, f"{words}_{name}")


def nearest(word: str, known: list[str]) -> str:
    """` (did you mean 'x'?)` where something known is near, else nothing."""
    from difflib import get_close_matches

    found = get_close_matches(word, known, n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""
