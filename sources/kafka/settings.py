"""`config`: settings of the Go client that Argo Events uses, as far as they mean something to this one.

Semantics: Sarama 1.43 `Config` as Argo Events reads it from YAML: names without regard to case, durations as Go writes them or in
nanoseconds, its own checks of ranges.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import Any, NamedTuple

from manifests.fields import parse_duration
from manifests.words import did_you_mean, type_of, value_of
from manifests.yaml_nodes import MappingNode, Node, YamlError, compose
from manifests.yaml_scalars import KUBERNETES
from manifests.yaml_values import build

HEARTBEAT_MS = 1000
"""Between two heartbeats unless set: members hear of a rebalance with them."""
_SESSION_MS = 10_000
_OWN = 5000
"""Milliseconds that an answer may take longer than a rebalance, which is waited for in one request."""
_MOST = (1 << 31) - 1
_INSTANCE = re.compile(r"[0-9a-zA-Z._-]{1,249}")
_OLDEST, _NEWEST = -2, -1


class Settings(NamedTuple):
    """What `config` asks for."""

    consumer: Mapping[str, Any] = {}
    """Arguments of the client library's consumer."""
    tls: bool = False
    oldest: bool = False
    commit_s: float | None = None
    idle: tuple[str, ...] = ()
    """What is set and has no effect, each with the reason."""

    @property
    def instance(self) -> str:
        """The name of a static member; empty where it is none."""
        return str(self.consumer.get("group_instance_id", ""))


class _Found(NamedTuple):
    """One setting as written; `name` in small letters."""

    name: str
    value: Any
    node: Node


@lru_cache(maxsize=256)
def read_settings(text: str) -> Settings:
    """What `text` asks for. Raises `ValueError` with every mistake and its place in `text`."""
    faults: list[str] = []
    taken: dict[str, Any] = {}
    idle: dict[str, None] = {}
    for found in _settings(text, faults):
        if found.name in _EFFECTIVE:
            read, target = _EFFECTIVE[found.name]
            try:
                value = read(found.value)
            except ValueError as exc:
                faults.append(f"{_at(found.node)}: {found.name}: {exc}")
                continue
            taken[target] = max(value, taken.get(target, 0)) if target == "request_timeout_ms" else value
        elif reason := _why_idle(found.name):
            idle[f"{found.name}: {reason}"] = None
        else:
            faults.append(f"{_at(found.node)}: {found.name}: {_why_refused(found.name)}")
    faults += _disagreements(taken)
    if faults:
        raise ValueError("; ".join(faults))
    return _settled(taken, tuple(idle))


def _settled(taken: dict[str, Any], idle: tuple[str, ...]) -> Settings:
    tls, oldest, commit_ms = taken.pop("tls", False), taken.pop("oldest", False), taken.pop("commit_ms", None)
    if not taken.get("fetch_max_bytes", 1):
        del taken["fetch_max_bytes"]  # 0 is no limit, and so is the library's own
    session = taken.get("session_timeout_ms", _SESSION_MS)
    if "session_timeout_ms" in taken:
        taken.setdefault("heartbeat_interval_ms", min(HEARTBEAT_MS, session // 3))
    if "request_timeout_ms" in taken or {"session_timeout_ms", "rebalance_timeout_ms"} & taken.keys():
        longest = taken.get("rebalance_timeout_ms", session) + _OWN
        taken["request_timeout_ms"] = max(taken.get("request_timeout_ms", 0), longest)
    return Settings(taken, tls, oldest, None if commit_ms is None else commit_ms / 1000, idle)


def _settings(text: str, faults: list[str]) -> Iterator[_Found]:
    """Every setting of `text`; what is wrong with it as YAML is added to `faults`."""
    wrong: list[YamlError] = []
    try:
        root = compose(text)
        value = None if root is None else build(root, KUBERNETES, wrong)
    except YamlError as exc:
        wrong, root, value = [exc], None, None
    faults += [f"line {exc.line}, column {exc.column}: {exc.message}" for exc in wrong]
    if root is None or value is None:
        return
    if not isinstance(root, MappingNode):
        faults.append(f"expected settings by name, got {type_of(value)}")
        return
    yield from _below(root, value, "")


def _below(node: MappingNode, value: Mapping[str, Any], prefix: str) -> Iterator[_Found]:
    for key, (_, at) in node.fields.items():
        name = f"{prefix}{key.lower()}"
        if isinstance(at, MappingNode) and name not in _EFFECTIVE and not _why_idle(name):
            yield from _below(at, value[key], f"{name}.")
        else:
            yield _Found(name, value[key], at)


def _at(node: Node) -> str:
    return f"line {node.line}, column {node.column}"


def _number(value: object, *, least: int, most: int = _MOST) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?\d{1,12}", value):
        value = int(value)  # as the original's reader does
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"expected a whole number, got {value_of(value)}")
    if not least <= value <= most:
        raise ValueError(f"expected a number from {least} to {most}, got {value}")
    return value


def _milliseconds(value: object, *, least: int = 1) -> int:
    """A span of time, which the protocol knows in milliseconds."""
    milliseconds = round(1000 * parse_duration(value).total_seconds())
    if not least <= milliseconds <= _MOST:
        raise ValueError(f"expected {least} ms or more, up to {_MOST // 86_400_000} days")
    return milliseconds


def _start(value: object) -> bool:
    number = _number(value, least=_OLDEST)
    if number not in (_OLDEST, _NEWEST):
        raise ValueError(f"expected {_OLDEST} for the oldest record or {_NEWEST} for the newest, got {number}")
    return number == _OLDEST


def _isolation(value: object) -> str:
    return ("read_uncommitted", "read_committed")[_number(value, least=0, most=1)]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"expected text, got {value_of(value)}")
    return value


def _instance(value: object) -> str:
    if not isinstance(value, str) or not _INSTANCE.fullmatch(value) or value in (".", ".."):
        raise ValueError(f"expected 1 to 249 letters, digits, '.', '_' and '-', got {value_of(value)}")
    return value


def _yes(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, got {value_of(value)}")
    return value


_EFFECTIVE: Mapping[str, tuple[Callable[[object], Any], str]] = {
    "clientid": (_text, "client_id"),
    "rackid": (_text, "client_rack"),
    # One deadline here for connecting, sending and being answered: the longest of them.
    "net.dialtimeout": (_milliseconds, "request_timeout_ms"),
    "net.readtimeout": (_milliseconds, "request_timeout_ms"),
    "net.writetimeout": (_milliseconds, "request_timeout_ms"),
    "net.tls.enable": (_yes, "tls"),
    "metadata.refreshfrequency": (_milliseconds, "metadata_max_age_ms"),
    "consumer.fetch.min": (partial(_number, least=1), "fetch_min_bytes"),
    "consumer.fetch.default": (partial(_number, least=1), "max_partition_fetch_bytes"),
    "consumer.fetch.max": (partial(_number, least=0), "fetch_max_bytes"),
    "consumer.maxwaittime": (_milliseconds, "fetch_max_wait_ms"),
    "consumer.retry.backoff": (partial(_milliseconds, least=0), "retry_backoff_ms"),
    "consumer.isolationlevel": (_isolation, "isolation_level"),
    "consumer.offsets.initial": (_start, "oldest"),
    "consumer.offsets.autocommit.interval": (_milliseconds, "commit_ms"),
    "consumer.group.session.timeout": (partial(_milliseconds, least=3), "session_timeout_ms"),
    "consumer.group.heartbeat.interval": (_milliseconds, "heartbeat_interval_ms"),
    "consumer.group.rebalance.timeout": (partial(_milliseconds, least=2), "rebalance_timeout_ms"),
    "consumer.group.instanceid": (_instance, "group_instance_id"),
}
"""What has an equivalent: how it is read, and what it is called here."""

_OURS = "this client has no such setting"
_IDLE: Mapping[str, str] = {
    "version": "client and broker agree on what both speak",
    "apiversionsrequest": "client and broker agree on what both speak",
    "channelbuffersize": _OURS,
    "net.maxopenrequests": _OURS,
    "net.resolvecanonicalbootstrapservers": _OURS,
    "net.keepalive": _OURS,
    "net.proxy": _OURS,
    "metadata.retry": "the source goes on trying, as connectionBackoff says",
    "metadata.full": "only this topic is asked for",
    "metadata.timeout": "net.readTimeout is the deadline of every answer",
    "metadata.allowautotopiccreation": "a topic that is not there is said, and not made",
    "consumer.maxprocessingtime": _OURS,
    "consumer.return": "failures are in the log and in `tocsin sources list`",
    "consumer.offsets.commitinterval": "Argo Events does not use it either; write autoCommit.interval",
    "consumer.offsets.autocommit.enable": "an offset is committed when its event is on disk",
    "consumer.offsets.retention": "brokers since Kafka 2.1 do not let clients choose it",
    "consumer.offsets.retry": "an offset is committed again a second later",
    "consumer.group.member": _OURS,
    "consumer.group.resetinvalidoffsets": "a position that is gone is said, and reading goes on at the oldest record",
    "consumer.group.rebalance.retry": "the source goes on trying, as connectionBackoff says",
    "producer": "a source writes nothing",
    "admin": "a source administers nothing",
}
"""What is known and has no effect, with all that is below it."""

_REFUSED: Mapping[str, str] = {
    "net.sasl": "write it into sasl of the event, where user and password are Secrets",
    "net.tls.config": "write it into tls of the event",
    "net.localaddr": "not something that can be written in YAML",
    "consumer.group.rebalance.strategy": "write consumerGroup.rebalanceStrategy",
    "consumer.group.rebalance.groupstrategies": "write consumerGroup.rebalanceStrategy",
    "consumer.interceptors": "not something that can be written in YAML",
    "metricregistry": "not something that can be written in YAML",
}


def _why_idle(name: str) -> str:
    return _of_nearest(_IDLE, name)


def _why_refused(name: str) -> str:
    known = (*_EFFECTIVE, *_IDLE)
    if any(each.startswith(f"{name}.") for each in known):
        return "expected settings by name below it"
    return _of_nearest(_REFUSED, name) or f"unknown setting{did_you_mean(name, known)}"


def _of_nearest(table: Mapping[str, str], name: str) -> str:
    """What `table` says about `name` or what it is part of; empty where it says nothing."""
    while name not in table and "." in name:
        name = name.rpartition(".")[0]
    return table.get(name, "")


def _disagreements(taken: Mapping[str, Any]) -> Iterator[str]:
    session, heartbeat = taken.get("session_timeout_ms", _SESSION_MS), taken.get("heartbeat_interval_ms")
    if heartbeat is not None and heartbeat >= session:
        yield f"consumer.group.heartbeat.interval: must be less than consumer.group.session.timeout, which is {session} ms"
