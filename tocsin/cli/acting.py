"""Acting on firings that are named, or that a filter finds: `redrive`, `drop` and `cancel` share it."""

import getpass
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import click

from tocsin.cli import client
from tocsin.cli.output import emit, message
from tocsin.cli.settings import Settings
from tocsin.cli.text import trigger

F = TypeVar("F", bound=Callable[..., Any])
Json = Mapping[str, Any]
AT_ONCE = 256
PAGE = 1000


class Act(NamedTuple):
    """What is done to which firings."""

    plural: str
    """Where they are listed in the API."""
    verb: str
    done: str
    """The verb as it was done, which is also its key in JSON."""
    noun: str
    filters: Mapping[str, str] = {}
    """What every filtered list asks for."""


REDRIVE = Act("dead-letters", "redrive", "redriven", "dead letter")
DROP = Act("dead-letters", "drop", "dropped", "dead letter")
CANCEL = Act("firings", "cancel", "cancelled", "open firing", {"state": "open"})


def choosing(function: F) -> F:
    """Add the options that say which firings, who asks and why."""
    options = (
        click.argument("firings", nargs=-1),
        click.option("--namespace", metavar="NAME", help="All of this namespace."),
        click.option("--sensor", metavar="NAME", help="All of this sensor."),
        click.option("--trigger", metavar="NAME", help="All of this trigger."),
        click.option("--replay", metavar="N", help="All that the replay of this number decided."),
        click.option("--after", metavar="TIME", help="All decided later than this, such as 2026-01-31T12:00:00Z."),
        click.option("--before", metavar="TIME", help="All decided earlier than this."),
        click.option("--all", "everything", is_flag=True, help="All there are."),
        click.option("--yes", is_flag=True, help="Do not ask."),
        click.option("--reason", metavar="TEXT", default="", help="Why; it is kept with the outcome."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def act_on(
    settings: Settings, act: Act, firings: Sequence[str], *, everything: bool, yes: bool, reason: str, **wanted: Any
) -> None:
    """Do it and say for each what became of it. Exits with 1 where one could not be done."""
    filters = {name: value for name, value in wanted.items() if value is not None}
    if bool(firings) == bool(filters or everything):
        raise click.UsageError(f"name {act.noun}s by id, or choose them by --sensor, --trigger and the like, or --all")
    if not firings:
        firings = _chosen(settings, act, filters, yes=yes)
    items = [item for some in _chunks(firings) for item in _post(settings, act, some, reason)]
    done = [item["id"] for item in items if item["done"]]
    failed = [{"id": item["id"] or item["name"], "reason": item["detail"]} for item in items if not item["done"]]
    emit(settings, {act.done: done, "failed": failed, "items": items}, _text, items=items)
    for item in failed:
        message(f"{item['id']}: {item['reason']}")
    if failed:
        sys.exit(1)


def _text(found: Json) -> str:
    done = [f"{item['id']} {_is(item['detail'])}" for item in found["items"] if item["done"]]
    return "\n".join(done) or ("nothing was done" if found["failed"] else "nothing to do")


def _is(detail: str) -> str:
    return f"is {detail}" if detail == "open again" else f"was {detail}"


def _post(settings: Settings, act: Act, ids: Sequence[str], reason: str) -> list[Json]:
    body = {"ids": list(ids), "by": by(), "reason": reason}
    items: list[Json] = client.change(settings, client.path(act.plural, act.verb), body)["items"]
    return items


def by() -> str:
    """The name of the person at this machine."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def _chosen(settings: Settings, act: Act, filters: Mapping[str, str], *, yes: bool) -> list[str]:
    """The ids that the filters find, once the person has agreed."""
    found = list(_listed(settings, act, filters))
    if not found:
        message(f"there is no {act.noun}" + (" of that kind" if filters else ""))
        return []
    counts: dict[str, int] = {}
    for item in found:
        counts[trigger(item)] = counts.get(trigger(item), 0) + 1
    for name, count in sorted(counts.items()):
        message(f"{count:>7} of {name}")
    question = f"{act.verb} {len(found)} {act.noun}{'' if len(found) == 1 else 's'}?"
    if not yes and not sys.stdin.isatty():
        raise client.Failed(f"nothing was changed: {question[:-1]} with --yes")
    if not yes and not click.confirm(question, err=True):
        raise client.Failed("nothing was changed")
    return [str(item["id"]) for item in found]


def _listed(settings: Settings, act: Act, filters: Mapping[str, str]) -> Iterator[Json]:
    """Every firing that the filters find. The list is read to its end before any of it is changed."""
    cursor: str | None = None
    while True:
        params = {**act.filters, **filters, "limit": str(PAGE)} | ({"cursor": cursor} if cursor else {})
        page = client.get(settings, client.path(act.plural), params)
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return


def _chunks(firings: Sequence[str]) -> Iterator[Sequence[str]]:
    names = list(dict.fromkeys(firings))
    return (names[start : start + AT_ONCE] for start in range(0, len(names), AT_ONCE))
