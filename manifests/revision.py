"""Revisions: the content of a declaration named by its hash."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical_json(content: Mapping[str, Any]) -> bytes:
    """`content` as JSON with sorted keys and no spaces, the same bytes for the same content on every run."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def revision_of(content: Mapping[str, Any]) -> str:
    """The revision of `content`: 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(canonical_json(content)).hexdigest()[:16]
