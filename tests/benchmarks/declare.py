"""Manifests under measurement."""

from collections.abc import Iterable
from pathlib import Path

import orjson

Object = dict[str, object]


def source(name: str, events: dict[str, tuple[str, int]]) -> Object:
    """An event source of kind webhook; `events` maps an event's name to endpoint and port."""
    webhook = {event: {"endpoint": path, "port": str(port), "method": "POST"} for event, (path, port) in events.items()}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "EventSource",
        "metadata": {"name": name},
        "spec": {"webhook": webhook},
    }


def on_ref(name: str, pattern: str, *, source_name: str = "hooks") -> Object:
    """A dependency on the event `push` whose `body.ref` matches `pattern`."""
    filters = {"data": [{"path": "body.ref", "type": "string", "value": [pattern]}]}
    return {"name": name, "eventSourceName": source_name, "eventName": "push", "filters": filters}


def on_template(name: str, number: int, *, source_name: str) -> Object:
    """A dependency that no index can help with: a template that is rendered for every event, and never matches."""
    template = f'{{{{ .Input | upper | trimAll "X" | repeat 3 | sha256sum }}}}-{number}'
    clause = {"path": "body.pad", "type": "string", "value": ["^never$"], "template": template}
    return {"name": name, "eventSourceName": source_name, "eventName": "push", "filters": {"data": [clause]}}


def http_trigger(name: str, url: str, dependency: str, conditions: str = "") -> Object:
    """An HTTP trigger with two parameters from the event."""
    keys = {"seq": "body.seq", "sent": "body.sent"}
    payload = [{"src": {"dependencyName": dependency, "dataKey": key}, "dest": dest} for dest, key in keys.items()]
    headers = {"Content-Type": "application/json"}
    template = {"name": name, "http": {"url": url, "method": "POST", "headers": headers, "payload": payload}}
    return {"template": template | ({"conditions": conditions} if conditions else {})}


def log_trigger(name: str) -> Object:
    """A trigger that only writes a line."""
    return {"template": {"name": name, "log": {}}}


def sensor(name: str, dependencies: Iterable[Object], triggers: Iterable[Object]) -> Object:
    """A sensor."""
    spec = {"dependencies": list(dependencies), "triggers": list(triggers)}
    return {"apiVersion": "argoproj.io/v1alpha1", "kind": "Sensor", "metadata": {"name": name}, "spec": spec}


def documents(objects: Iterable[Object]) -> bytes:
    """The text of a file that declares `objects`."""
    return b"\n---\n".join(map(orjson.dumps, objects)) + b"\n"


def write(folder: Path, objects: Iterable[Object]) -> Path:
    """Write `objects` as one file of JSON documents, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "bench.yaml").write_bytes(documents(objects))
    return folder
