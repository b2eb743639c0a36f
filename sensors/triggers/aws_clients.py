"""Clients of AWS Lambda that triggers share: one for each region and identity."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.aws_answer import AwsFailure, Invoked
from sensors.triggers.pool import Pool

if TYPE_CHECKING:
    from aiobotocore.client import AioBaseClient
    from aiobotocore.config import AioConfig
    from aiobotocore.session import AioSession
    from botocore.exceptions import ClientError

CONNECT_S = 5
LONGEST_RUN_S = 900
"""Seconds: the longest that Lambda lets a function run."""
_ANSWER_S = LONGEST_RUN_S + 5
_CONNECTIONS = 256
_ROLE_SESSION = "tocsin"
_PAYLOAD_BYTES = 65_536
"""Of what a function answers; only what it says of an error is looked at."""
NO_CREDENTIALS = (
    "no credentials: set accessKey and secretKey, or give this process some where AWS's programs look for them"
    " (environment, files, role of the machine)"
)


class AwsWay(NamedTuple):
    """A region as one identity sees it. It never prints a secret."""

    region: str
    access_key: str = ""
    secret_key: str = ""
    """Without a key, credentials are looked for where AWS's programs look."""
    role: str = ""
    """Taken on with those credentials."""

    def __repr__(self) -> str:
        return f"AwsWay({self.region})"


@dataclass(eq=False, slots=True)
class _Held:
    """A client, and who is using it: a function that runs for minutes is not cut off because a key was replaced."""

    client: "AioBaseClient"
    closing: AsyncExitStack
    users: int = 0
    retired: bool = False


class LambdaClients(Pool[AwsWay, _Held]):
    """Invokes functions. Where credentials are not accepted, the next call looks them up anew."""

    async def invoke(self, way: AwsWay, arguments: Mapping[str, Any]) -> Invoked:
        """Invoke a function with `arguments` of the API, once, and return what came back.

        Raises `AwsFailure` where AWS answered that it did not; `TriggerUnavailable` where no answer came or there are no
        credentials; `TriggerRefused` where AWS cannot be asked that. If cancelled, the function may or may not run.
        """
        from botocore import exceptions  # noqa: PLC0415 - heavy: only a process that calls AWS pays for it

        try:
            return await self._invoke(way, arguments)
        except exceptions.ClientError as exc:
            raise _failure(exc) from exc
        except (exceptions.ParamValidationError, exceptions.ValidationError) as exc:
            raise TriggerRefused(f"AWS in {way.region}: {_why(exc)}") from exc
        except (exceptions.BotoCoreError, OSError) as exc:
            raise TriggerUnavailable(f"AWS in {way.region}: {_why(exc)}") from exc

    async def _invoke(self, way: AwsWay, arguments: Mapping[str, Any]) -> Invoked:
        from botocore import exceptions  # noqa: PLC0415 - see above

        async with self.client(way) as held:
            held.users += 1
            try:
                return await _called(held.client, arguments)
            except exceptions.ClientError as exc:
                if _failure(exc).of_credentials:
                    await self.discard(way, held)
                raise
            finally:
                held.users -= 1
                if held.retired and not held.users:
                    await held.closing.aclose()

    async def open(self, way: AwsWay) -> _Held:
        """Find credentials and make a client. Raises errors of the library, and `TriggerUnavailable` without credentials."""
        # What matters comes as an exception and is said once, by whoever handles it.
        logging.getLogger("botocore").setLevel(logging.CRITICAL)
        logging.getLogger("aiobotocore").setLevel(logging.CRITICAL)
        session = await asyncio.to_thread(_session)
        config = _config()
        if way.access_key:
            session.set_credentials(way.access_key, way.secret_key)
        if await session.get_credentials() is None:
            raise TriggerUnavailable(f"AWS in {way.region}: {NO_CREDENTIALS}")
        if way.role:
            session = await _as_role(session, way, config)
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(session.create_client("lambda", region_name=way.region, config=config))
            return _Held(client, stack.pop_all())

    async def close(self, client: _Held) -> None:
        """Close its connections."""
        await client.closing.aclose()

    async def cut_off(self, client: _Held) -> None:
        """Close it when its last user is done."""
        client.retired = True
        if not client.users:
            await self.close(client)


async def _called(client: "AioBaseClient", arguments: Mapping[str, Any]) -> Invoked:
    answer = await client.invoke(**arguments)
    async with answer["Payload"] as payload:
        said = await payload.read(_PAYLOAD_BYTES)
    return Invoked(
        status=answer["StatusCode"],
        request_id=answer["ResponseMetadata"].get("RequestId", ""),
        version=answer.get("ExecutedVersion", ""),
        function_error=answer.get("FunctionError", ""),
        log=answer.get("LogResult", ""),
        payload=said,
    )


def _session() -> "AioSession":
    """A session; importing the library takes long, so this is for a thread."""
    from aiobotocore.session import AioSession  # noqa: PLC0415 - see above

    session = AioSession()
    session.register_component("data_loader", _models())
    return session


@lru_cache(maxsize=1)
def _models() -> Any:
    """What describes AWS's services: megabytes of JSON, read once."""
    from botocore.loaders import create_loader  # noqa: PLC0415 - see above

    return create_loader()


def _config() -> "AioConfig":
    from aiobotocore.config import AioConfig  # noqa: PLC0415 - see above

    return AioConfig(
        connect_timeout=CONNECT_S,
        read_timeout=_ANSWER_S,
        retries={"total_max_attempts": 1},  # a firing's attempts are the outbox's
        tcp_keepalive=True,
        max_pool_connections=_CONNECTIONS,
        warm_up_loader_caches=True,  # in a thread
    )


async def _as_role(source: "AioSession", way: AwsWay, config: "AioConfig") -> "AioSession":
    """A session with the credentials of a role, which are got when they are first needed, and again before they run out."""
    from aiobotocore import credentials  # noqa: PLC0415 - see above

    fetcher = credentials.AioAssumeRoleCredentialFetcher(
        client_creator=partial(source.create_client, region_name=way.region, config=config),
        source_credentials=await source.get_credentials(),
        role_arn=way.role,
        extra_args={"RoleSessionName": _ROLE_SESSION},
    )
    taken_on = credentials.AioDeferredRefreshableCredentials(refresh_using=fetcher.fetch_credentials, method="assume-role")
    session = _session()
    session.register_component("credential_provider", _Provider(taken_on))
    return session


class _Provider:
    """Gives a session the credentials that it is to use."""

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials

    async def load_credentials(self) -> Any:
        return self._credentials


def _failure(exc: "ClientError") -> AwsFailure:
    error, told = exc.response.get("Error", {}), exc.response.get("ResponseMetadata", {})
    return AwsFailure(
        operation=exc.operation_name,
        code=str(error.get("Code", "")),
        said=str(error.get("Message", "")),
        status=int(told.get("HTTPStatusCode", 0)),
        retry_after=str(told.get("HTTPHeaders", {}).get("retry-after", "")),
    )


def _why(exc: Exception) -> str:
    return " ".join(str(exc).split()) or type(exc).__name__
