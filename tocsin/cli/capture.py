"""`tocsin events capture`."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tocsin.cli import client
from tocsin.cli.output import echo, message, write_json
from tocsin.cli.settings import Settings, common, settings_of

if TYPE_CHECKING:
    from tocsin.scenarios.capturing import Captured

Json = dict[str, Any]
_HEAD = (
    "# Recorded events and what they fired, for `tocsin test`. Credentials were taken out; look for more before you pass it on."
)


@click.command("capture")
@partial(common, writes=True)
@click.argument("events", nargs=-1, required=True, metavar="ID...")
@click.option("--output", "file", metavar="FILE", help="Where to write it.  [default: stdout]")
@click.option("--manifests", multiple=True, metavar="PATH", envvar="TOCSIN_MANIFESTS", help="What it tests.  [default: .]")
@click.option("--name", metavar="NAME", help="Name of the scenario.  [default: after the first event]")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@click.pass_context
def command(ctx: click.Context, /, events: tuple[str, ...], file: str | None, **chosen: Any) -> None:
    """Turn recorded events, and what they fired, into a scenario file for `tocsin test`.

    ID is an event's id, or source/name/id where that is ambiguous. What an event was joined with is captured too. Credentials
    are taken out. The scenario is played at once, and a message says whether it passes as it is.
    """
    settings = settings_of(ctx)
    manifests = chosen["manifests"] or (".",)
    captured = _captured(_recorded(settings, events), file, manifests, chosen["name"])
    if file is not None:
        _write(Path(file), captured, force=chosen["force"])
    found = _played(captured, file)
    text = _text(captured)
    if file is not None:
        Path(file).write_bytes(text.encode())
    for note in captured.notes:
        message(note)
    _say(found)
    if settings.output != "text":
        write_json(captured.scenario, indent=settings.output == "json")
    elif file is None:
        echo(text.removesuffix("\n"))


def _recorded(settings: Settings, events: Sequence[str]) -> Json:
    from tocsin.scenarios.capturing import merged
    from tocsin.scenarios.recorded import recording

    def ask(event: str) -> Json:
        return client.ask(settings, client.path("recording"), {"id": event}, lambda journal: recording(journal, event))

    return merged([ask(event) for event in events])


def _captured(recorded: Json, file: str | None, manifests: Sequence[str], name: str | None) -> "Captured":
    from tocsin.scenarios.capturing import Capture, NotCaptured, slug
    from tocsin.scenarios.redacting import Redactor

    folder = Path(file).parent if file is not None else Path()
    placed = [os.path.relpath(path, folder) for path in manifests]
    named = name or f"captured-{slug(next(event['id'] for event in recorded['events'] if event['given']))}"
    capture = Capture(name=named, manifests=placed, redactor=Redactor(_secrets(manifests)), beside=file is not None)
    try:
        return capture.capture(recorded)
    except NotCaptured as exc:
        raise client.Failed(str(exc)) from None


def _secrets(manifests: Sequence[str]) -> Iterator[str]:
    from tocsin.declared import load
    from tocsin.secrets import known_secrets

    return known_secrets(load(manifests).values)


def _text(captured: "Captured") -> str:
    from tocsin.scenarios.yaml_text import yaml_text

    return f"{_HEAD}\n{yaml_text(captured.scenario)}"


def _write(path: Path, captured: "Captured", *, force: bool) -> None:
    files: dict[Path, bytes] = {path: _text(captured).encode()}
    files |= {path.parent / name: data for name, data in captured.files.items()}
    there = [str(one) for one in files if one.exists()]
    if there and not force:
        raise client.Failed(f"{there[0]} is there already; --force writes over it")
    try:
        for one, data in files.items():
            one.write_bytes(data)
            message(f"wrote {one}")
    except OSError as exc:
        raise client.Failed(f"{exc.filename} cannot be written: {exc.strerror}") from None


def _played(captured: "Captured", file: str | None) -> Json:
    """What playing the scenario comes to, once what does not come out the same twice is left out of it."""
    from tocsin import logs
    from tocsin.scenarios.capturing import some
    from tocsin.scenarios.relaxing import relax
    from tocsin.scenarios.testing import play_text

    with logs.silent():
        found = play_text(_text(captured), file or "scenario.yaml").view()
        failures = [failure for scenario in found["scenarios"] for failure in scenario["failures"]]
        left_out = relax(captured.scenario, failures)
        if not left_out:
            return found
        captured.notes.append(f"not the same when it is played, and left out: {some(left_out)}")
        return play_text(_text(captured), file or "scenario.yaml").view()


def _say(found: Json) -> None:
    from tocsin.cli.test import lines

    if found["scenarios"] and not found["failed"]:
        message("it passes as it is")
    else:
        message("it does not pass as it is; mend it, or name other --manifests:")
        message("\n".join(lines(found)))
