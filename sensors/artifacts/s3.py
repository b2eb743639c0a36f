"""An object of a bucket, in S3 or a store that speaks its protocol."""

import re
from datetime import UTC, datetime
from typing import Any

from multidict import CIMultiDict
from yarl import URL

from clients.tls import TLSMaterial, tls_context
from manifests.fields import SecretRef
from sensors.artifacts.content import MAX_BYTES
from sensors.artifacts.s3_signature import Keys, Unsigned, escaped, signed
from sensors.artifacts.spec import S3Location
from sensors.artifacts.url import PLAIN, absolute, fetched, unexpected
from sensors.errors import TriggerUnavailable
from sensors.triggers.available import available
from sensors.triggers.trigger import TriggerContext
from sensors.web.call import Answer, Call

DEFAULT_ENDPOINT = "s3.amazonaws.com"
DEFAULT_REGION = "us-east-1"
_OF_AWS = re.compile(r"s3[.-]([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?")
_HOST_NAME = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")


class S3Place:
    """One object of one bucket, read with the keys as they are when it is read."""

    def __init__(self, declared: S3Location, context: TriggerContext) -> None:
        bucket = declared.bucket
        if not bucket.name or not bucket.key:
            raise ValueError("bucket.name and bucket.key are needed")
        self._declared = declared
        self._context = context
        endpoint = declared.endpoint or DEFAULT_ENDPOINT
        scheme = "http" if declared.insecure else "https"
        base = absolute(endpoint if "://" in endpoint else f"{scheme}://{endpoint}", "endpoint")
        if base.user or base.password:
            raise ValueError("endpoint holds a login, which would be shown; give the keys of the store by reference")
        # Stores other than Amazon's own often have no names for their buckets.
        by_host = (base.host or "").endswith((".amazonaws.com", ".amazonaws.com.cn")) and _HOST_NAME.fullmatch(bucket.name)
        path = f"/{escaped(bucket.key)}" if by_host else f"/{escaped(bucket.name)}/{escaped(bucket.key)}"
        host = f"{bucket.name}.{base.host}" if by_host else str(base.host)
        self._url = URL.build(scheme=base.scheme, host=host, port=base.explicit_port, path=path, encoded=True)
        found = _OF_AWS.fullmatch(base.host or "")
        self._region = declared.region or (found[1] if found else DEFAULT_REGION)

    @property
    def what(self) -> str:
        """Names it in errors."""
        return f"object {self._declared.bucket.key!r} of bucket {self._declared.bucket.name!r} at {self._url.host}"

    def show(self) -> dict[str, Any]:
        """Which object of which bucket."""
        bucket = self._declared.bucket
        return {"endpoint": self._declared.endpoint, "bucket": {"name": bucket.name, "key": bucket.key}}

    async def read(self) -> bytes:
        """The text."""
        answer = await self._get(self._region)
        elsewhere = answer.headers.get("x-amz-bucket-region")
        if answer.status in (301, 400) and elsewhere and elsewhere != self._region:
            answer = await self._get(elsewhere)
        if answer.status != 200:
            raise unexpected(answer, self.what)
        return answer.body

    async def _get(self, region: str) -> Answer:
        headers = CIMultiDict(PLAIN)
        keys = self._keys()
        host = self._url.host_port_subcomponent or ""
        if keys is not None:
            headers.update(signed(Unsigned("GET", host, self._url.raw_path), keys, region=region, now=datetime.now(UTC)))
        call = Call(
            method="GET",
            url=self._url,
            headers=headers,
            body=None,
            tls=self._tls(),
            secret_headers=frozenset({"authorization"}),
            keep=MAX_BYTES,
        )
        return await fetched(self._context, call, self.what)

    def _keys(self) -> Keys | None:
        """None where the object can be read by anyone."""
        access, secret = self._declared.access_key, self._declared.secret_key
        if access is None or secret is None:
            return None
        return Keys(self._text(access).strip(), self._text(secret).strip())

    def _tls(self) -> Any:
        ca = self._declared.ca_certificate
        if ca is None:
            return None
        try:
            return tls_context(TLSMaterial(ca=self._text(ca).encode()))
        except ValueError as exc:
            raise TriggerUnavailable(f"{self.what}: {exc}") from exc

    def _text(self, ref: SecretRef) -> str:
        with available():
            return self._context.values.secret(self._context.namespace, ref.name, ref.key).text()
