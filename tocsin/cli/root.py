"""The `tocsin` command itself."""

import os

import click

from tocsin import __version__
from tocsin.cli.groups import Lazy, LazyGroup
from tocsin.cli.settings import common

COMMANDS = {
    "run": Lazy("tocsin.cli.run", "Run what the manifests declare."),
    "validate": Lazy("tocsin.cli.validate", "Show every problem in every file; needs no service and no network. Also: lint."),
    "simulate": Lazy("tocsin.cli.simulate", "Decide on recorded events; fire nothing."),
    "test": Lazy("tocsin.cli.test", "Play scenario files: given events and time, expect firings."),
    "events": Lazy("tocsin.cli.events", "What came in."),
    "firings": Lazy("tocsin.cli.firings", "What was decided and done."),
    "dead-letters": Lazy("tocsin.cli.dead_letters", "What was given up, with reason and attempts."),
    "why": Lazy("tocsin.cli.why", "What caused this: a firing, an attempt, or an object."),
    "explain": Lazy("tocsin.cli.explain", "Why an event did, or did not, fire."),
    "trace": Lazy("tocsin.cli.trace", "Everything that followed from an event."),
    "replay": Lazy("tocsin.cli.replay", "Do it again on purpose; shows first what would run."),
    "replays": Lazy("tocsin.cli.replays", "What was done again, and how far it is."),
    "sources": Lazy("tocsin.cli.sources", "Which event sources run, and how they fare."),
    "sensors": Lazy("tocsin.cli.sensors", "Which sensors run, and how they fare."),
    "schema": Lazy("tocsin.cli.schema", "JSON Schema of a manifest kind, for editors."),
    "version": Lazy("tocsin.cli.version", "Print the version."),
}


@click.group(
    cls=LazyGroup,
    lazy=COMMANDS,
    aliases={"lint": "validate"},
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    no_args_is_help=True,
)
@click.version_option(__version__, prog_name="tocsin", message="%(prog)s %(version)s")
@click.pass_context
def tocsin(ctx: click.Context) -> None:
    """Take events in, keep them, decide by declared rules, act, and say why.

    Results go to stdout, messages to stderr. Exit codes: 0 done, 1 it failed, 2 usage or a manifest is wrong.
    Every option is also read from the environment: those below, and of run, validate, simulate and test, as TOCSIN_<OPTION>,
    for instance TOCSIN_DATA; others as TOCSIN_<COMMAND>_<OPTION>, for instance TOCSIN_EVENTS_LIST_LIMIT.
    """
    if os.environ.get("NO_COLOR"):
        ctx.color = False


common(tocsin, root=True)
