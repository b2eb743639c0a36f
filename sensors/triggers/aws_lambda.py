"""The `awsLambda` trigger: one invocation of a function.

Semantics: Argo Events' `pkg/sensors/triggers/aws-lambda`; what differs is in `docs/triggers/aws-lambda.md`.
"""

from base64 import b64encode
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, ClassVar

import msgspec

from clients.credentials import Credentials
from clients.extras import needs_extra
from eventbus.chain import Chain
from manifests.fields import Spec
from manifests.objects import DeclaredTrigger, Dialect
from sensors.parameters import compile_payload
from sensors.triggers.available import available
from sensors.triggers.aws_answer import AwsFailure, judge, told
from sensors.triggers.aws_clients import LONGEST_RUN_S, AwsWay, LambdaClients
from sensors.triggers.aws_lambda_spec import AwsLambdaSpec, complete
from sensors.triggers.fitted import Fitted, readable
from sensors.triggers.message import MessageTrigger
from sensors.triggers.rewriting import honoured, keeping
from sensors.triggers.trigger import Delivered, Trigger, TriggerContext, triggers

KEY = "Idempotency-Key"
NOT_INSTALLED = needs_extra("AWS", "aws")
_GRACE_S = 10
_WAITING = "RequestResponse"


class _Parts:
    """One declaration compiled."""

    def __init__(self, spec: AwsLambdaSpec, dialect: Dialect) -> None:
        self.spec = complete(spec)
        self.payload = compile_payload(spec.payload)
        # The original takes a role on with what it finds in its surroundings, whatever key is declared.
        self._keyless = bool(spec.role_arn) and dialect is Dialect.ARGO

    @property
    def where(self) -> str:
        """The function, for messages."""
        return f"function {self.spec.function_name} in {self.spec.region}"

    def way(self, read: Credentials) -> AwsWay:
        """As whom to call, with the secrets as they are now. Raises `SecretMissing` and `ValueError`."""
        spec = self.spec
        if spec.access_key is None or self._keyless:
            return AwsWay(spec.region, role=spec.role_arn)
        key, secret = read.text(spec.access_key).strip(), read.text(spec.secret_key).strip()
        if not key or not secret:
            raise ValueError("the access key or the secret key of AWS is empty")
        return AwsWay(spec.region, key, secret, spec.role_arn)

    def arguments(self, body: bytes, key: str, chain: Chain | None) -> Mapping[str, Any]:
        """What the API is asked. A function that is waited for finds the key and the place in a chain in its client context."""
        spec = self.spec
        asked = {"FunctionName": spec.function_name, "InvocationType": spec.invocation_type, "Payload": body}
        if spec.invocation_type != _WAITING:
            return asked
        custom = {KEY: key, **dict(chain.headers() if chain is not None else ())}
        context = b64encode(msgspec.json.encode({"custom": custom})).decode()
        return {**asked, "LogType": "Tail", "ClientContext": context}


class AwsLambdaTrigger(MessageTrigger[_Parts]):
    """One compiled awsLambda trigger. Its connections are the service's."""

    def __init__(self, declared: DeclaredTrigger, context: TriggerContext) -> None:
        dialect = context.dialect
        settle = keeping("region", "accessKey", "secretKey", "roleARN") if dialect is Dialect.ARGO else honoured
        super().__init__(Fitted(declared, AwsLambdaSpec, lambda spec: _Parts(spec, dialect), dialect=dialect, settle=settle))
        policy = declared.head.policy
        self._allow = frozenset(policy.status.allow) if policy is not None and policy.status is not None else None
        self._credentials = Credentials(context.namespace, context.values)
        self._clients = context.shared.get(LambdaClients)

    @property
    def timeout_s(self) -> float | None:
        """As long as a function may run, and a little longer; None, the service's default, where none is waited for."""
        plain = self._fitted.plain
        waits = plain is None or plain.spec.invocation_type == _WAITING
        return LONGEST_RUN_S + _GRACE_S if waits else None

    def show(self, request: bytes) -> Mapping[str, Any]:
        """Which function is invoked, where, how and with what."""
        parts, body = self._read(request)
        spec = parts.spec
        shown = {"functionName": spec.function_name, "region": spec.region, "invocationType": spec.invocation_type}
        return {**shown, **({"roleARN": spec.role_arn} if spec.role_arn else {}), "body": readable(body)}

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        """Invoke the function, and wait for its end where that is asked for."""
        parts, body = self._read(request)
        with available():
            way = parts.way(self._credentials)
        try:
            answer = await self._clients.invoke(way, parts.arguments(body or b"", idempotency_key, chain))
        except AwsFailure as exc:
            raise told(exc, parts.where, [way.access_key, way.secret_key]) from exc
        return Delivered(status=answer.status, detail=judge(answer, self._allow, parts.where))


@triggers.register
class AwsLambdaKind:
    """The kind `awsLambda`."""

    key: ClassVar[str] = "awsLambda"
    spec: ClassVar[type[Spec]] = AwsLambdaSpec

    def compile(self, declared: DeclaredTrigger, context: TriggerContext) -> Trigger:
        """Compile once, when applied. Raises `ValueError` naming the field that cannot work."""
        if context.acts and find_spec("aiobotocore") is None:
            raise ValueError(NOT_INSTALLED)
        return AwsLambdaTrigger(declared, context)
