"""The command line: one file per command, each imported only when it is called."""

import contextlib
import os
import sys

from tocsin.cli.output import stop_writing
from tocsin.cli.root import tocsin

__all__ = ["main"]


def main() -> None:
    """Run `tocsin` with the process's arguments and exit: 0 done, 1 it failed, 2 usage or a manifest is wrong."""
    _open_what_is_closed()
    _leave_out_rich()
    try:
        code = tocsin.main(prog_name="tocsin", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        _quiet_exit()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as exc:  # the last handler: what click cannot show is shown in one line, or in full with -v
        code = _report(exc)
    sys.exit(code if isinstance(code, int) else 0)


def _open_what_is_closed() -> None:
    """Put nothing where stdin, stdout or stderr were closed: else the next file gets its number, and what is printed with it."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            nothing = os.open(os.devnull, os.O_RDWR)
            if nothing != number:
                os.dup2(nothing, number)
                os.close(nothing)
            setattr(sys, name, open(number, mode, closefd=False))  # noqa: SIM115 - open as long as the process


def _leave_out_rich() -> None:
    """Where something else has installed `rich`, structlog imports it: 3 MiB and 40 ms at every start, and nothing uses it."""
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # None is how Python marks what cannot be imported


def _quiet_exit() -> None:
    """End without a word: whoever read our output has seen enough."""
    stop_writing()
    sys.exit(0)


def _report(exc: Exception) -> int:
    import click

    if isinstance(exc, click.exceptions.Exit):
        return exc.exit_code
    if isinstance(exc, click.Abort):
        click.echo("interrupted", err=True)
        return 130
    if isinstance(exc, click.ClickException):
        with contextlib.suppress(OSError):  # where it cannot be shown, the code still says it
            exc.show()
        return exc.exit_code
    return _unexpected(exc)


def _unexpected(exc: Exception) -> int:
    """A fault of ours: say so, and how to see more."""
    if os.environ.get("TOCSIN_VERBOSE", "0") not in ("", "0") or {"-v", "-vv", "--verbose"} & {*sys.argv}:
        import traceback

        traceback.print_exception(exc)
    sys.stderr.write(f"Error: {type(exc).__name__}: {exc}\nThis is a fault of tocsin; run again with -v for the traceback.\n")
    return 1
