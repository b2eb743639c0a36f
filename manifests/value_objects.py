"""Reading `Secret` and `ConfigMap` documents. No message here ever shows a value."""

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

from manifests.bodies import ConfigMapBody, SecretBody
from manifests.checked import check
from manifests.header import Header
from manifests.objects import ValueObject
from manifests.report import Report
from manifests.words import type_of

_IGNORED = ("apiVersion", "kind", "metadata", "status")


def read_value_object(value: Mapping[str, Any], header: Header, report: Report) -> ValueObject | None:
    """Return the values of a Secret or ConfigMap, or None where the report refused it."""
    secret = header.ref.kind == "Secret"
    model, encoded, plain = (SecretBody, "data", "stringData") if secret else (ConfigMapBody, "binaryData", "data")
    known = {"data", "immutable", "type", "stringData", "binaryData"}
    fields = {key: one for key, one in value.items() if key not in _IGNORED and key in known}
    checked = check(model, fields, (), report)
    report.take(checked.faults)
    data = {**_read(value, encoded, _decode, report), **_read(value, plain, str.encode, report)}
    return None if report.refused else ValueObject(ref=header.ref, data=data)


def _read(value: Mapping[str, Any], field: str, decode: Callable[[str], bytes], report: Report) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    items = value.get(field)
    for key, text in items.items() if isinstance(items, Mapping) else ():
        if text is None:
            found[key] = b""
        elif not isinstance(text, str):
            report.refuse((field, key), f"expected text in quotes, got {type_of(text)}")
        else:
            try:
                found[key] = decode(text)
            except ValueError:
                report.refuse((field, key), "expected base64; text that is not encoded belongs into stringData")
    return found


def _decode(text: str) -> bytes:
    """Standard base64 with padding; line breaks are ignored, as Go's decoder does."""
    try:
        return base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
