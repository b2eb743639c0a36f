"""`tocsin validate`, also `tocsin lint`."""

from collections.abc import Mapping
from typing import Any

import click

from tocsin.cli.output import emit, many
from tocsin.cli.settings import common, settings_of


@click.command("validate")
@common
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--strict", is_flag=True, envvar="TOCSIN_STRICT", help="Exit with 2 for warnings too.")
@click.option("--complete", is_flag=True, envvar="TOCSIN_COMPLETE", help="The files are all there is: name what they lack.")
@click.pass_context
def command(ctx: click.Context, paths: tuple[str, ...], strict: bool, complete: bool) -> None:
    """Show every problem in every file; read nothing else, need no network.

    PATH is a file or a directory, which is read in name order, or - for stdin. Exit code 2 when anything is wrong.
    `tocsin lint` is the same.
    """
    import gc

    from tocsin.declared import load
    from tocsin.objects import problem_view

    gc.disable()  # a short process that keeps all it makes: collecting would cost a third of its time
    declared = load(paths)
    problems = sorted({*declared.problems, *declared.compiled_problems(), *declared.findings(complete=complete)})
    views = [problem_view(problem) for problem in problems]
    files = len({problem.file for problem in problems})

    def text(found: Mapping[str, Any]) -> str:
        if not problems:
            return f"{summary} valid" if (summary := declared.summary()) else "nothing is declared here"
        lines = [str(problem) for problem in problems]
        return "\n".join([*lines, f"{many(len(problems), 'problem')} in {many(files, 'file')}; nothing was changed"])

    emit(settings_of(ctx), {"problems": views}, text, items=views)
    if any(problem.is_error or strict for problem in problems):
        ctx.exit(2)
