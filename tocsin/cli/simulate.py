"""`tocsin simulate`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from tocsin.cli.output import emit, json_lines, many, message
from tocsin.cli.settings import common, settings_of

if TYPE_CHECKING:
    from manifests.objects import EventSource
    from manifests.problems import Problem
    from tocsin.left_out import LeftOut

Json = Mapping[str, Any]


@click.command("simulate")
@common
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option("--events", "file", required=True, metavar="FILE", envvar="TOCSIN_EVENTS", help="Recorded events; - reads stdin.")
@click.option("--at", metavar="TIME", envvar="TOCSIN_AT", help="The clock, such as 2026-01-31T12:00:00Z.  [default: now]")
@click.pass_context
def command(ctx: click.Context, paths: tuple[str, ...], file: str, at: str | None) -> None:
    """Decide on recorded events; fire nothing, use no network, write nothing.

    FILE is JSON lines, each one CloudEvent in structured mode: its `source` is the event source's name, its `subject` the
    event's name. A message on stderr says which events repeat an earlier one: on the bus such a repeat is dropped.
    """
    import gc

    from tocsin.declared import load
    from tocsin.kinds import trigger_kinds
    from tocsin.objects import problem_view
    from tocsin.recorded_events import read_events, repeats
    from tocsin.simulate import Simulation

    gc.disable()  # a short process that keeps all it makes: collecting would cost a third of its time
    if file == "-" and "-" in paths:
        raise click.UsageError("stdin holds either manifests or events; name a file for one of them")
    now = _clock(at)
    declared = load(paths)
    lines, bad_lines = read_events(file, _content(file))
    left_out = _left_out(declared.sources)
    simulation = Simulation(declared.sensors, trigger_kinds(), None if left_out is None else left_out.reason)
    verdicts, firings = simulation.run(lines, now)
    filters = [problem for source in declared.sources for problem in declared.filter_problems(source)]
    problems = [*declared.problems, *filters, *declared.placed(simulation.problems), *bad_lines]
    for number, earlier in repeats(lines):
        message(f"{file}:{number}: the same event as in line {earlier}; on the bus a repeat is dropped")
    found = {"verdicts": verdicts, "firings": firings, "problems": [problem_view(problem) for problem in problems]}
    if left_out is not None and left_out.dropped:
        found["dropped"] = left_out.dropped
    emit(settings_of(ctx), found, lambda found: "\n".join(_lines(found, problems)), items=_items(found))
    if any(problem.is_error for problem in problems):
        ctx.exit(2)


def _left_out(sources: "Sequence[EventSource]") -> "LeftOut | None":
    """The filters of event sources; None where there are none, because their language takes long to load."""
    if not any(getattr(event.spec, "filter", None) for source in sources for event in source.events):
        return None
    from tocsin.left_out import LeftOut

    return LeftOut(sources)


def _clock(at: str | None) -> Any:
    from datetime import UTC, datetime

    from tocsin.queries import parse_time

    if at is None:
        return datetime.now(UTC)
    try:
        return parse_time(at)
    except ValueError as exc:
        raise click.BadParameter(str(exc), param_hint="--at") from None


def _content(file: str) -> bytes:
    try:
        with click.open_file(file, "rb") as stream:
            content: bytes = stream.read()
    except OSError as exc:
        raise click.BadParameter(f"{file}: {exc.strerror}", param_hint="--events") from None
    return content


def _items(found: Json) -> Iterator[Json]:
    """With `jsonl`: every verdict, then every firing, every problem and every dropped event, each under its own key."""
    for name, key in (("verdict", "verdicts"), ("firing", "firings"), ("problem", "problems"), ("dropped", "dropped")):
        yield from ({name: item} for item in found.get(key, ()))


def _lines(found: Json, problems: "Sequence[Problem]") -> Iterator[str]:
    yield from map(str, problems)
    for dropped in found.get("dropped", ()):
        yield f"{dropped['event']['source']} {dropped['event']['id']}: {dropped['reason']}"
    for verdict in found["verdicts"]:
        word = "matched" if verdict["matched"] else f"no: {verdict['reason']}"
        yield f"{verdict['event']['source']} {verdict['event']['id']} → {verdict['sensor']}/{verdict['dependency']}: {word}"
    for firing in found["firings"]:
        yield f"would fire {firing['sensor']}/{firing['trigger']} on {_names(firing['events'])}"
        said = firing["error"].splitlines() if "error" in firing else json_lines(firing["request"])
        yield from (f"  {line}" for line in said)
    matched = sum(verdict["matched"] for verdict in found["verdicts"])
    verdicts, firings = many(len(found["verdicts"]), "verdict"), many(len(found["firings"]), "firing")
    yield f"{verdicts}, {matched} matched; {firings}; {many(len(problems), 'problem')}"


def _names(events: Sequence[Json]) -> str:
    return ", ".join(f"{event['source']} {event['id']}" for event in events)
