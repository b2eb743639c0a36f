"""`args` of an `argoWorkflow` trigger: the options of the `argo` program that say something about the workflow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sensors.languages.gotimes import rfc3339_nanoseconds


@dataclass(slots=True, kw_only=True)
class Options:
    """What `args` say."""

    namespace: str = ""
    name: str = ""
    generate_name: str = ""
    entrypoint: str = ""
    service_account: str = ""
    priority: int | None = None
    parameters: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    scheduled_time: str = ""
    instance: str = ""
    """Whose controller runs it."""
    selector: str = ""
    """Which nodes, such as `displayName=approve`."""
    message: str = ""
    restart_successful: bool = False


class _Flag(NamedTuple):
    field: str
    operations: frozenset[str]
    """Where it may be used."""
    pairs: bool = False
    """A list of NAME=VALUE with commas between."""
    switch: bool = False


_MAKING = frozenset({"submit", "submit-from"})
_ANEW = _MAKING | {"resubmit", "retry"}
_ALL = _ANEW | {"resume", "suspend", "stop", "terminate"}
_FLAGS = {
    "--namespace": _Flag("namespace", _ALL),
    "--name": _Flag("name", _MAKING),
    "--generate-name": _Flag("generate_name", _MAKING),
    "--entrypoint": _Flag("entrypoint", _MAKING),
    "--serviceaccount": _Flag("service_account", _MAKING),
    "--priority": _Flag("priority", _MAKING | {"resubmit"}),
    "--parameter": _Flag("parameters", _ANEW),
    "--labels": _Flag("labels", _MAKING | {"resubmit"}, pairs=True),
    "--annotations": _Flag("annotations", _MAKING, pairs=True),
    "--scheduled-time": _Flag("scheduled_time", _MAKING),
    "--instanceid": _Flag("instance", _MAKING | {"resubmit"}),
    "--node-field-selector": _Flag("selector", frozenset({"resume", "stop", "retry"})),
    "--message": _Flag("message", frozenset({"resume", "stop"})),
    "--restart-successful": _Flag("restart_successful", frozenset({"retry"}), switch=True),
}
_SHORT = {"-n": "--namespace", "-p": "--parameter", "-l": "--labels"}
_NO_MEANING = frozenset({"--output", "-o", "--loglevel", "--gloglevel"})
"""How the program prints; they have a value."""
_NO_MEANING_ALONE = frozenset({"--strict", "-v", "--verbose"})
_SHOWN_NODES = frozenset({"--status", "--node-field-selector"})
"""Which nodes the program prints of a workflow that it made; they have a value."""
_WAITING = frozenset({"--wait", "-w", "--watch", "--log"})


def parse_args(operation: str, args: Sequence[str]) -> Options:
    """Read `args`. Raises `ValueError` naming the one that cannot be used."""
    options = Options()
    words = iter(args)
    for word in words:
        name, joined, inline = _split(word)
        flag_name = _SHORT.get(name, name)
        if name in _NO_MEANING_ALONE:
            continue
        if name in _NO_MEANING or (name in _SHOWN_NODES and operation in _MAKING):
            _value(name, joined, inline, words)
            continue
        if name in _WAITING:
            raise ValueError(f"args: {name} is not supported; wait by policy.k8s for the label workflows.argoproj.io/phase")
        flag = _FLAGS.get(flag_name)
        if flag is None:
            raise ValueError(f"args: {word!r} is not supported; expected one of {', '.join(_of(operation))}")
        if operation not in flag.operations:
            raise ValueError(f"args: {name} does not go with {operation}; expected one of {', '.join(_of(operation))}")
        _set(options, flag, name, inline if flag.switch else _value(name, joined, inline, words))
    return options


def _split(word: str) -> tuple[str, str, str]:
    """Name, `=` or nothing, and the value if the word holds one: `--name=x`, `-n=x`, `-nx`."""
    if len(word) > 2 and word[:2] in _SHORT and word[2] != "=":
        return word[:2], "=", word[2:]
    return word.partition("=")


def _of(operation: str) -> list[str]:
    return [name for name, flag in _FLAGS.items() if operation in flag.operations]


def _value(name: str, joined: str, inline: str, words: Iterator[str]) -> str:
    if joined:
        return inline
    value = next(words, None)
    if value is None:
        raise ValueError(f"args: {name} needs a value")
    return value


def _set(options: Options, flag: _Flag, name: str, value: str) -> None:
    if flag.switch:
        setattr(options, flag.field, value in ("", "true"))
    elif flag.field == "parameters":
        options.parameters.update([_pair(name, value)])
    elif flag.pairs:
        getattr(options, flag.field).update(_pair(name, one) for one in value.split(","))
    elif flag.field == "scheduled_time":
        options.scheduled_time = _moment(name, value)
    elif flag.field == "priority":
        try:
            options.priority = int(value)
        except ValueError:
            raise ValueError(f"args: {name} {value!r} is no whole number") from None
    else:
        setattr(options, flag.field, value)


def _moment(name: str, text: str) -> str:
    if rfc3339_nanoseconds(text) is None:
        raise ValueError(f"args: {name} {text!r} is no RFC 3339 time, such as 2024-05-17T09:30:00Z")
    return text


def _pair(name: str, text: str) -> tuple[str, str]:
    key, joined, value = text.partition("=")
    if not joined or not key:
        raise ValueError(f"args: {name} {text!r} is no NAME=VALUE")
    return key, value
