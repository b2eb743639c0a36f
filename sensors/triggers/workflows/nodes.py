"""The nodes of a workflow's status: reading them where they are packed, and choosing among them."""

import base64
import binascii
import gzip
import io
from collections.abc import Mapping
from typing import Any

import msgspec

from cluster.api import Json, name_of
from sensors.errors import TriggerRefused

MAX_UNPACKED = 32 << 20
_FIELDS = ("displayName", "templateName", "phase", "name", "id", "type")

Nodes = dict[str, dict[str, Any]]
"""By id."""


def nodes_of(workflow: Json) -> Nodes:
    """The nodes, each a copy. Raises `TriggerRefused` where they cannot be read from the object."""
    status = workflow.get("status") or {}
    if status.get("offloadNodeStatusVersion"):
        raise TriggerRefused(f"the nodes of workflow {name_of(workflow)} are kept in a database; ask the Argo Server instead")
    packed = status.get("compressedNodes")
    found = _unpacked(packed, name_of(workflow)) if packed else status.get("nodes") or {}
    return {key: dict(node) for key, node in found.items()}


def with_nodes(workflow: Json, nodes: Nodes) -> dict[str, Any]:
    """`workflow` with other nodes, packed where they were."""
    status = dict(workflow.get("status") or {})
    if status.get("compressedNodes"):
        status["compressedNodes"] = base64.b64encode(gzip.compress(msgspec.json.encode(nodes), mtime=0)).decode()
    else:
        status["nodes"] = nodes
    return {**workflow, "status": status}


def is_waiting(node: Mapping[str, Any]) -> bool:
    """Whether a node waits for somebody to resume it."""
    return node.get("type") == "Suspend" and node.get("phase") == "Running"


class Selector:
    """`--node-field-selector`: fields that a node must have, with commas between; empty selects all."""

    def __init__(self, text: str) -> None:
        """Raises `ValueError` on what is no selector."""
        self.text = text
        self._clauses = [_clause(one.strip()) for one in text.split(",") if one.strip()]

    def __bool__(self) -> bool:
        return bool(self._clauses)

    def matches(self, node: Mapping[str, Any]) -> bool:
        """Whether every clause holds."""
        return all((_field(node, name) == value) is wanted for name, value, wanted in self._clauses)


def _clause(text: str) -> tuple[str, str, bool]:
    wanted = "!=" not in text
    name, joined, value = text.partition("=" if wanted else "!=")
    known = name in _FIELDS or name.startswith(("templateRef.", "inputs.parameters."))
    if not joined or not known:
        raise ValueError(
            f"args: --node-field-selector {text!r} is none; expected such as displayName=approve, of {', '.join(_FIELDS)}"
        )
    return name, value.removeprefix("="), wanted


def _field(node: Mapping[str, Any], name: str) -> str:
    if name.startswith("inputs.parameters."):
        wanted = name.removeprefix("inputs.parameters.").removesuffix(".value")
        listed = (node.get("inputs") or {}).get("parameters") or []
        return next((str(one.get("value", "")) for one in listed if one.get("name") == wanted), "")
    if name.startswith("templateRef."):
        return str((node.get("templateRef") or {}).get(name.removeprefix("templateRef."), ""))
    return str(node.get(name, ""))


def _unpacked(packed: str, name: str) -> Any:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(base64.b64decode(packed))) as reader:
            text = reader.read(MAX_UNPACKED + 1)
        if len(text) > MAX_UNPACKED:
            raise TriggerRefused(f"the nodes of workflow {name} unpack to more than {MAX_UNPACKED >> 20} MiB")
        return msgspec.json.decode(text)
    except (binascii.Error, OSError, EOFError, msgspec.DecodeError) as exc:
        raise TriggerRefused(f"the nodes of workflow {name} cannot be unpacked: {exc}") from exc
