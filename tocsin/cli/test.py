"""`tocsin test`."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import click

from tocsin.cli.output import emit, json_lines, many
from tocsin.cli.settings import Settings, common, settings_of

Json = Mapping[str, Any]
_SHORT, _LONGEST, _MOST_LINES = 100, 1000, 40


@click.command("test")
@common
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--name", default="", metavar="TEXT", envvar="TOCSIN_NAME", help="Only scenarios whose name holds this text.")
@click.pass_context
def command(ctx: click.Context, paths: tuple[str, ...], name: str) -> None:
    """Play scenario files: given events and time, expect firings. Nothing is sent, nothing is written.

    PATH is a file or a folder with documents of the kind Scenario. The clock is virtual: hours take milliseconds. Exit code 1
    where something is not as expected, 2 where a scenario or a manifest is wrong.
    """
    from tocsin.scenarios.testing import play_all

    settings = settings_of(ctx)
    with _logs(settings):
        tested = play_all(paths, name=name)
    found = tested.view()
    emit(settings, found, lambda view: "\n".join(lines(view, verbose=settings.verbose > 0)), items=_items(found))
    if tested.wrong:
        ctx.exit(2)
    if found["failed"]:
        ctx.exit(1)


def _logs(settings: Settings) -> AbstractContextManager[None]:
    """Show what the service would log where that is asked for twice; else nothing."""
    from tocsin import logs

    if settings.verbose < 2:
        return logs.silent()
    logs.configure(verbose=settings.verbose)
    return nullcontext()


def _items(found: Json) -> Iterator[Json]:
    """With `jsonl`: every scenario, then every problem, each under its own key."""
    yield from ({"scenario": item} for item in found["scenarios"])
    yield from ({"problem": item} for item in found["problems"])


def lines(found: Json, *, verbose: bool = False) -> Iterator[str]:
    """What came of scenarios, as text."""
    for problem in found["problems"]:
        kind = "warning: " if problem["severity"] == "warning" else ""
        path = f"{problem['path']}: " if problem["path"] else ""
        yield f"{problem['file']}:{problem['line']}:{problem['column']}: {kind}{path}{problem['message']}"
    for scenario in found["scenarios"]:
        yield from _scenario(scenario, verbose=verbose)
    wrong = len([problem for problem in found["problems"] if problem["severity"] == "error"])
    said = [f"{found['passed']} passed", f"{found['failed']} failed", *([f"{many(wrong, 'problem')}"] if wrong else [])]
    yield ", ".join(said)


def _scenario(scenario: Json, *, verbose: bool) -> Iterator[str]:
    plays = f", {scenario['plays']} orders" if scenario["plays"] > 1 else ""
    order = f", in the order {', '.join(scenario['order'])}" if scenario["order"] and not scenario["passed"] else ""
    took = f"{many(scenario['events'], 'event')} in {scenario['lasted']}, {many(len(scenario['firings']), 'firing')}"
    word = click.style("ok", fg="green") if scenario["passed"] else click.style("FAILED", fg="red", bold=True)
    yield f"{word} {scenario['name']} ({scenario['file']}:{scenario['line']}): {took}{plays or order}"
    for failure in scenario["failures"]:
        yield f"  {failure['file']}:{failure['line']}:{failure['column']}: {failure['message']}"
        yield from (f"    {line}" for one in failure["differences"] for line in _difference(one))
        yield from (f"    why: {reason}" for reason in failure["reasons"])
    if verbose:
        yield from (f"  {line}" for firing in scenario["firings"] for line in _firing(firing))


def _difference(one: Json) -> Iterator[str]:
    """In one line where that can be read, else the two sides below each other."""
    expected, seen = _value(one["expected"]), _value(one["seen"])
    if len(expected) == len(seen) == 1 and len(expected[0] + seen[0]) <= _SHORT:
        yield f"{one['path']}: expected {expected[0]}, seen {seen[0]}"
        return
    yield f"{one['path']}:"
    for word, lines in (("expected", expected), ("seen    ", seen)):
        yield from (f"  {word if n == 0 else ' ' * len(word)} {line}" for n, line in enumerate(lines))


def _value(value: Any) -> list[str]:
    from tocsin.scenarios.comparing import ABSENT

    if value == ABSENT:
        return [ABSENT]
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= _SHORT:
        return [text]
    lines = [_cut(line) for line in json.dumps(value, ensure_ascii=False, indent=2).splitlines()]
    return lines if len(lines) <= _MOST_LINES else [*lines[:_MOST_LINES], f"… and {len(lines) - _MOST_LINES} more lines"]


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}… ({len(line)} characters)"


def _firing(firing: Json) -> Iterator[str]:
    reason = f": {firing['reason']}" if firing["reason"] else ""
    yield f"{firing['at']} {firing['trigger']} of {', '.join(firing['events'])}, {firing['outcome']}{reason}"
    for number, attempt in enumerate(firing["attempts"], 1):
        yield f"  attempt {number} at {attempt['at']}: {'succeeded' if attempt['succeeded'] else attempt['reason']}"
    if firing["request"] is not None:
        yield from (f"  {line}" for line in json_lines(firing["request"]))
