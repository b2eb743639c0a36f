"""The `openWhisk` trigger: runs an action and waits for its result.

Semantics: Argo Events' `pkg/sensors/triggers/apache-openwhisk`; what differs is in `docs/triggers/openwhisk.md`.
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, ClassVar

from multidict import CIMultiDict
from pydantic import Field
from yarl import URL

from clients.credentials import Credentials
from eventbus.chain import Chain
from manifests.fields import SecretRef, Spec
from manifests.objects import DeclaredTrigger, Parameter
from sensors.parameters import compile_payload
from sensors.triggers.available import available
from sensors.triggers.fitted import Fitted, readable
from sensors.triggers.http_answer import judge
from sensors.triggers.message import MessageTrigger
from sensors.triggers.rewriting import ParametrisedSpec
from sensors.triggers.trigger import Delivered, Trigger, TriggerContext, triggers
from sensors.web.call import Call, origin
from sensors.web.client import Web

ACTIVATION_HEADER = "X-OpenWhisk-Activation-Id"


class OpenWhiskSpec(ParametrisedSpec):
    """One run of one action."""

    host: str = Field(min_length=1)
    """`https://HOST`; without a scheme it is https."""
    version: str = ""
    """Of the API; v1 unless set."""
    namespace: str = ""
    """`_`, the one of the token, unless set."""
    auth_token: SecretRef | None = None
    """`UUID:KEY`."""
    action_name: str = Field(min_length=1)
    """May name its package: `package/action`."""
    payload: list[Parameter] = []
    """Builds the action's arguments, a JSON object; without it there are none."""

    @property
    def url(self) -> URL:
        """Where the action is run. Raises `ValueError`."""
        host = self.host if "://" in self.host else f"https://{self.host}"
        base = URL(host)
        if base.scheme not in ("http", "https") or not base.host:
            raise ValueError(f"host: {self.host!r} is no address; write https://HOST")
        action = base / "api" / (self.version or "v1") / "namespaces" / (self.namespace or "_") / "actions"
        for part in self.action_name.split("/"):
            if part in ("", ".", ".."):
                raise ValueError(f"actionName: {self.action_name!r} is no name of an action")
            action /= part
        return action.with_query(blocking="true", result="true")


class _Parts:
    """One declaration compiled."""

    def __init__(self, spec: OpenWhiskSpec) -> None:
        self.spec = spec
        self.url = spec.url
        self.payload = compile_payload(spec.payload) if spec.payload else None


class OpenWhiskTrigger(MessageTrigger[_Parts]):
    """One compiled openWhisk trigger. Its connections are those of all HTTP calls."""

    def __init__(self, declared: DeclaredTrigger, context: TriggerContext) -> None:
        super().__init__(Fitted(declared, OpenWhiskSpec, _Parts, dialect=context.dialect))
        policy = declared.head.policy
        self._allow = frozenset(policy.status.allow) if policy is not None and policy.status is not None else None
        self._credentials = Credentials(context.namespace, context.values)
        self._web = context.web or Web()
        self._owns_web = context.web is None

    def show(self, request: bytes) -> Mapping[str, Any]:
        """Which action is run, where, and with what."""
        parts, body = self._read(request)
        spec = parts.spec
        return {
            "host": spec.host,
            "version": spec.version or "v1",
            "namespace": spec.namespace or "_",
            "actionName": spec.action_name,
            "body": readable(body),
        }

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        """Run the action and wait for its result; OpenWhisk answers 202 where that takes longer than it waits."""
        parts, body = self._read(request)
        with available():
            token = self._credentials.text(parts.spec.auth_token).strip()
        headers = CIMultiDict({"Content-Type": "application/json", "Idempotency-Key": idempotency_key})
        if token:
            headers["Authorization"] = f"Basic {b64encode(token.encode()).decode()}"
        headers.extend(chain.headers() if chain is not None else ())
        answer = await self._web.send(Call(method="POST", url=parts.url, headers=headers, body=body or b"{}"))
        judge(answer, self._allow, where=origin(parts.url), secrets=[token, headers.get("Authorization", "")])
        activation = answer.headers.get(ACTIVATION_HEADER, "")
        return Delivered(status=answer.status, detail=f"activation {activation}" if activation else "")

    async def aclose(self) -> None:
        """Close the connections of a client of its own."""
        if self._owns_web:
            await self._web.aclose()


@triggers.register
class OpenWhiskKind:
    """The kind `openWhisk`."""

    key: ClassVar[str] = "openWhisk"
    spec: ClassVar[type[Spec]] = OpenWhiskSpec

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied. Raises `ValueError` naming the field that cannot work."""
        return OpenWhiskTrigger(declared, context)
