"""`tocsin run`."""

import gc
import os
import signal
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tocsin.cli.client import Failed
from tocsin.cli.output import CannotWrite, echo, message, stop_writing, write_json
from tocsin.cli.settings import Settings, common, settings_of

LEAST_BYTES = 64 << 20
COLLECTED_AFTER = (10_000, 20, 20)
"""How seldom the collector looks. Python's own 700 is for short programs; looking at five times as many new objects takes some
ten milliseconds, in which nobody is answered."""

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cluster.allowed import Rule
    from tocsin.config import RunConfig
    from tocsin.declared import Declarations, Reading
    from tocsin.service import Service


def _age(_ctx: click.Context, _param: click.Parameter, text: str) -> float:
    from tocsin.amounts import parse_age

    try:
        return parse_age(text)
    except ValueError as exc:
        raise click.BadParameter(str(exc)) from None


def _size(_ctx: click.Context, _param: click.Parameter, text: str) -> int:
    from tocsin.amounts import parse_size

    try:
        size = parse_size(text)
    except ValueError as exc:
        raise click.BadParameter(str(exc)) from None
    if size < LEAST_BYTES:
        raise click.BadParameter(f"{text!r} is too little to keep anything; the least is 64Mi")
    return size


def _rules(_ctx: click.Context, _param: click.Parameter, texts: tuple[str, ...]) -> "tuple[Rule, ...]":
    from cluster.allowed import parse_rule

    try:
        return tuple(parse_rule(text) for text in texts)
    except ValueError as exc:
        raise click.BadParameter(str(exc)) from None


@click.command("run")
@common
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@click.option("--host", default="127.0.0.1", show_default=True, envvar="TOCSIN_HOST", help="Address of the webhook listeners.")
@click.option(
    "--port-offset", type=int, default=0, metavar="N", envvar="TOCSIN_PORT_OFFSET", help="Added to every source's port."
)
@click.option("--api", default="127.0.0.1:7070", show_default=True, envvar="TOCSIN_API", help="Address of the API, or off.")
@click.option("--bus", default="", metavar="URL", envvar="TOCSIN_BUS", help="The event bus.  [default: SQLite in --data]")
@click.option("--watch", is_flag=True, envvar="TOCSIN_WATCH", help="Apply changed manifests while running (SIGHUP always does).")
@click.option("--strict", is_flag=True, envvar="TOCSIN_STRICT", help="Start nothing if anything is wrong.")
@click.option(
    "--retain-age",
    default="7d",
    show_default=True,
    metavar="AGE",
    callback=_age,
    envvar="TOCSIN_RETAIN_AGE",
    help="How long the data of events is kept, and what was sent for them.",
)
@click.option(
    "--retain-journal-age",
    default="30d",
    show_default=True,
    metavar="AGE",
    callback=_age,
    envvar="TOCSIN_RETAIN_JOURNAL_AGE",
    help="How long it stays on record what came in, what fired and how it ended; never shorter than --retain-age.",
)
@click.option(
    "--retain-bytes",
    default="10Gi",
    show_default=True,
    metavar="SIZE",
    callback=_size,
    envvar="TOCSIN_RETAIN_BYTES",
    help="How much all of that may take on disk; where it is too much, both ages shrink.",
)
@click.option(
    "--kubeconfig",
    default="",
    metavar="FILE",
    envvar="TOCSIN_KUBECONFIG",
    help="The cluster that triggers act on.  [default: as kubectl; in a pod, its service account]",
)
@click.option("--context", default="", metavar="NAME", envvar="TOCSIN_CONTEXT", help="Of the kubeconfig.  [default: its current]")
@click.option(
    "--k8s-allow",
    multiple=True,
    metavar="RULE",
    callback=_rules,
    envvar="TOCSIN_K8S_ALLOW",
    help="VERBS:KINDS:NAMESPACES that triggers may act on; may be given again.  [default: *:*:. (the sensor's own namespace)]",
)
@click.option(
    "--max-hops",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    metavar="N",
    envvar="TOCSIN_MAX_HOPS",
    help="Firings in a row, each caused by the one before, after which a chain is stopped as a loop.",
)
@click.option(
    "--allow-unauthenticated",
    is_flag=True,
    envvar="TOCSIN_ALLOW_UNAUTHENTICATED",
    help="Serve public endpoints that anyone may call.",
)
@click.pass_context
def command(  # noqa: PLR0917 - click hands each option over by name
    ctx: click.Context,
    /,
    paths: tuple[str, ...],
    api: str,
    bus: str,
    retain_age: float,
    retain_journal_age: float,
    retain_bytes: int,
    kubeconfig: str,
    context: str,
    k8s_allow: "tuple[Rule, ...]",
    **options: Any,
) -> None:
    """Run what the manifests in PATH declare (default: the current directory) until Ctrl-C or SIGTERM.

    Both end it in order: no new events are taken, what is in flight is finished, and the exit code is 0. A second Ctrl-C
    kills it. What is valid starts, what is not is shown; with nothing valid the exit code is 2.
    """
    # Next to nothing that is made before everything runs goes away, so nobody looks for garbage until then (`serve` begins to):
    # that took 1.9 of 9.0 s of CPU of a start with 10,000 sensors.
    gc.disable()
    gc.set_threshold(*COLLECTED_AFTER)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the service has its own handlers
    settings = settings_of(ctx)
    if bus not in ("", "sqlite", "sqlite:"):
        raise click.BadParameter(f"{bus!r} is not supported yet; leave it out for SQLite in --data", param_hint="--bus")
    from cluster.access import Access
    from eventbus.retention import Retention
    from tocsin.config import RunConfig, parse_address

    try:
        address = parse_address(api)
    except ValueError as exc:
        raise click.BadParameter(str(exc), param_hint="--api") from None
    config = RunConfig(
        paths=tuple(Path(path) for path in paths or (".",)),
        data=Path(settings.data),
        api=address,
        verbose=settings.verbose,
        cluster=Access(kubeconfig, context),
        allowed=k8s_allow,
        retention=Retention(age_s=retain_age, journal_age_s=retain_journal_age, max_bytes=retain_bytes),
        **options,
    )
    _run(config, settings)


def _run(config: "RunConfig", settings: Settings) -> None:
    from tocsin.declared import Reading

    reading = Reading(config.paths, strict=config.strict)
    declared = reading.read()
    problems = [*declared.problems, *(declared.compiled_problems(acts=True) if config.strict else ())]
    for problem in problems:
        message(str(problem))
    if config.strict and any(problem.is_error for problem in problems):
        message("nothing was started: --strict, and something is wrong")
        sys.exit(2)
    if not declared.refs() and not (config.data / "tocsin.lock").exists():
        message("nothing was started: no valid event source or sensor")
        sys.exit(2)
    _serve(config, reading, declared, settings)


def _serve(config: "RunConfig", reading: "Reading", declared: "Declarations", settings: Settings) -> None:
    import asyncio

    from eventbus.errors import BusError
    from tocsin import logs
    from tocsin.api.server import ApiUnavailable
    from tocsin.components import Died
    from tocsin.descriptors import raise_limit
    from tocsin.runtime import NotAllStarted, NothingToRun, refuse_open_api, serve

    logs.configure(verbose=config.verbose)
    raise_limit()
    expected = (ApiUnavailable, BusError, NotAllStarted, OSError)
    try:
        refuse_open_api(config, os.environ.get("TOCSIN_API_TOKEN"))
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(config, reading, declared, partial(_announce_or_say, settings)))
    except BaseExceptionGroup as group:  # may hold a KeyboardInterrupt; what is not ours is raised again
        leaves = list(_leaves(group))
        if any(isinstance(exc, NothingToRun) for exc in leaves):
            message("nothing was started: nothing that is declared can run")
            sys.exit(2)
        if all(isinstance(exc, (*expected, Died)) for exc in leaves):
            raise Failed("; ".join(dict.fromkeys(str(exc) for exc in leaves))) from group
        raise
    except expected as exc:
        raise Failed(str(exc)) from exc


def _announce_or_say(settings: Settings, service: "Service", url: str | None) -> None:
    try:
        _announce(service, url, settings)
    except (BrokenPipeError, CannotWrite) as exc:
        stop_writing()
        message(f"what is listened to could not be written: {exc}")  # the service is there for others, too


def _leaves(group: BaseExceptionGroup[Any]) -> "Iterator[BaseException]":
    for exc in group.exceptions:
        if isinstance(exc, BaseExceptionGroup):
            yield from _leaves(exc)
        else:
            yield exc


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def _announce(service: "Service", url: str | None, settings: Settings) -> None:
    """Say what is listened to: on stdout, it is what `run` was asked for."""
    listening = [
        {"source": str(state.ref).removeprefix("EventSource/"), "event": name, "url": event.endpoint}
        for state in service.supervisor.states.values()
        for name, event in state.events.items()
        if event.running and event.endpoint
    ]
    if settings.output != "text":
        write_json({"listening": listening, "api": url})
        return
    lines = [f"listening on {item['url']} for {item['source']}/{item['event']}" for item in listening]
    echo("\n".join([*lines, f"the API and metrics are at {url}" if url else "there is no API"]))
    for state in service.supervisor.states.values():
        if state.message:
            message(f"{state.ref} is {state.state.value}: {state.message}")
