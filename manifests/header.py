"""The head of an object: which dialect and kind it is, what it is called, and what is none of our business."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from manifests.bodies import Metadata
from manifests.checked import check
from manifests.objects import Dialect, ObjectRef
from manifests.report import Report
from manifests.words import did_you_mean, one_of, quoted, type_of

KindName = Literal["EventSource", "Sensor", "EventBus", "Secret", "ConfigMap", "Scenario"]
EVENT_KINDS: Final = ("EventSource", "Sensor", "EventBus")
OUR_KINDS: Final = ("Scenario",)
"""Those that stand in files beside them and are declared in our dialect only."""
VALUE_KINDS: Final = ("Secret", "ConfigMap")
_VERSIONS = (Dialect.ARGO.value, Dialect.TOCSIN.value)
_TOP_FIELDS: dict[str, tuple[str, ...]] = {
    "Secret": ("data", "stringData", "type", "immutable"),
    "ConfigMap": ("data", "binaryData", "immutable"),
}
_LONGEST_NAME = 253
_USABLE_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?")
_CLUSTER_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Header:
    """What an object says of itself."""

    ref: ObjectRef
    dialect: Dialect
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    def content(self, spec: Any) -> dict[str, Any]:
        """The object as JSON: what its revision is the hash of."""
        metadata: dict[str, Any] = {"name": self.ref.name, "namespace": self.ref.namespace}
        if self.labels:
            metadata["labels"] = dict(self.labels)
        if self.annotations:
            metadata["annotations"] = dict(self.annotations)
        return {"apiVersion": self.dialect.value, "kind": self.ref.kind, "metadata": metadata, "spec": spec}


def is_manifest(value: Any) -> bool:
    """Whether `value` is meant to be an object of some cluster at all."""
    return isinstance(value, Mapping) and ("apiVersion" in value or "kind" in value)


def read_header(value: Any, report: Report, *, tolerant: bool = False) -> Header | None:
    """Read what names the object `value`; None where it is not ours or cannot be told, and the report says which.

    `tolerant` turns a document that does not look like an object at all into a warning: a folder may hold other files.
    """
    if not is_manifest(value):
        message = "not a manifest: expected a mapping with apiVersion and kind"
        message += "" if isinstance(value, Mapping) else f", got {type_of(value)}"
        if tolerant:
            report.warn((), f"{message}; ignored")
        else:
            report.refuse((), message)
        return None
    kind = _kind(value, report)
    if kind is None:
        return None
    report.dialect = Dialect.TOCSIN if value.get("apiVersion") == Dialect.TOCSIN else Dialect.ARGO
    metadata = _metadata(value, report)
    if metadata is None:
        return None
    report.ref = ObjectRef(kind, metadata.namespace or "default", metadata.name)
    _check_names(report.ref, report)
    known = ("apiVersion", "kind", "metadata", "status", *_TOP_FIELDS.get(kind, ("spec",)))
    for key in value:
        if key not in known:
            report.unknown_field((key,), known)
    return Header(report.ref, report.dialect, metadata.labels, metadata.annotations)


def _kind(value: Mapping[str, Any], report: Report) -> KindName | None:
    version, kind = value.get("apiVersion"), value.get("kind")
    for field, text in (("apiVersion", version), ("kind", kind)):
        if not isinstance(text, str) or not text:
            shown = "missing" if text is None else f"expected text, got {type_of(text)}"
            report.refuse((field,), f"{shown}; expected {one_of(_VERSIONS if field == 'apiVersion' else EVENT_KINDS)}")
    if not isinstance(version, str) or not isinstance(kind, str) or not version or not kind:
        return None
    wanted = _versions_of(kind)
    if version in wanted:
        found: KindName = next(one for one in get_args(KindName) if one == kind)
        return found
    if wanted and (_is_ours(version) or "/" not in version or did_you_mean(version, wanted)):
        hint = did_you_mean(version, wanted)
        report.refuse(("apiVersion",), f"unknown version {quoted(version)} of {kind}; expected {one_of(wanted)}{hint}")
    elif version in _VERSIONS and (version == Dialect.TOCSIN or did_you_mean(kind, EVENT_KINDS)):
        known = (*EVENT_KINDS, *OUR_KINDS) if version == Dialect.TOCSIN else EVENT_KINDS
        hint = did_you_mean(kind, known)
        report.refuse(("kind",), f"unknown kind {quoted(kind)}; expected {one_of(known)}{hint}")
    elif version == "v1" and (hint := did_you_mean(kind, VALUE_KINDS)):
        report.warn(("kind",), f"{quoted(kind)} of {quoted(version)} is not read here; ignored{hint}")
    else:
        report.warn(("kind",), f"{quoted(kind)} of {quoted(version)} is not read here; ignored")
    return None


def _versions_of(kind: str) -> tuple[str, ...]:
    if kind in EVENT_KINDS:
        return _VERSIONS
    return ("v1",) if kind in VALUE_KINDS else (Dialect.TOCSIN.value,) if kind in OUR_KINDS else ()


def _is_ours(version: str) -> bool:
    return version.partition("/")[0] in ("argoproj.io", "tocsin.dev")


def _metadata(value: Mapping[str, Any], report: Report) -> Metadata | None:
    checked = check(Metadata, value.get("metadata") or {}, ("metadata",), report)
    report.take(checked.faults)
    if checked.value is None:
        return _names_only(value.get("metadata"))
    if not checked.value.name:
        report.refuse(("metadata", "name"), "missing; an object needs a name")
        return None
    return checked.value


def _names_only(metadata: Any) -> Metadata | None:
    """Enough to say which object is refused, when the rest of its metadata is wrong."""
    if not isinstance(metadata, Mapping):
        return None
    name, namespace = metadata.get("name"), metadata.get("namespace", "default")
    if not isinstance(name, str) or not isinstance(namespace, str) or not name:
        return None
    return Metadata(name=name, namespace=namespace)


def _check_names(ref: ObjectRef, report: Report) -> None:
    for field, name in (("name", ref.name), ("namespace", ref.namespace)):
        if len(name) > _LONGEST_NAME:
            report.refuse(("metadata", field), f"expected at most {_LONGEST_NAME} characters, got {len(name)}")
        elif not _USABLE_NAME.fullmatch(name):
            report.refuse(("metadata", field), f"expected letters, digits, '-', '_' and '.', got {quoted(name)}")
        elif not _CLUSTER_NAME.fullmatch(name):
            message = "a cluster accepts lower-case letters, digits, '-' and '.' only; it runs here, and cannot be applied there"
            report.warn(("metadata", field), message)
