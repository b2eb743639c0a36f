"""Signing a request to S3. Pure functions.

Semantics: AWS Signature Version 4 in the `Authorization` header, AWS documentation, "Signature Calculations for the Authorization
Header: Transferring Payload in a Single Chunk".
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

EMPTY = hashlib.sha256(b"").hexdigest()


class Keys(NamedTuple):
    """Who signs. It never prints its secret."""

    access: str
    secret: str

    def __repr__(self) -> str:
        return "Keys(***)"


class Unsigned(NamedTuple):
    """A request without a body."""

    method: str
    host: str
    path: str
    """As `escaped` writes it."""
    query: str = ""
    """In canonical form."""


def signed(request: Unsigned, keys: Keys, *, region: str, now: datetime, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The headers that sign `request`, and `more`; `now` is in UTC."""
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": request.host, "x-amz-content-sha256": EMPTY, "x-amz-date": moment, **(more or {})}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    canonical = f"{request.method}\n{request.path}\n{request.query}\n{lines}\n{names}\n{EMPTY}"
    scope = f"{moment[:8]}/{region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(_key(keys.secret, moment[:8], region), text.encode(), hashlib.sha256).hexdigest()
    authorization = f"AWS4-HMAC-SHA256 Credential={keys.access}/{scope},SignedHeaders={names},Signature={signature}"
    return {**headers, "authorization": authorization}


def escaped(key: str) -> str:
    """The path of an object, escaped as signing wants it."""
    return quote(key, safe="/-_.~")


def _key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
