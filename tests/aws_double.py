"""A small AWS of our own, for what the server that plays AWS cannot do: functions that fail, refusals, throttling.

What both can do is tested with both.
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from servers.aws import Asked

STATUSES = {"RequestResponse": 200, "Event": 202, "DryRun": 204}
ROLE_KEY, ROLE_TOKEN = "ASIAROLE", "role-token"
REFUSALS: Mapping[str, tuple[int, str, str]] = {
    "gone": (404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:eu-central-1:1:function:gone"),
    "denied": (403, "AccessDeniedException", "User is not authorized to perform: lambda:InvokeFunction"),
    "large": (413, "RequestTooLargeException", "Request must be smaller than 6291456 bytes"),
    "busy": (429, "TooManyRequestsException", "Rate exceeded"),
    "changing": (409, "ResourceConflictException", "The function is being updated"),
    "broken": (500, "ServiceException", "An error occurred"),
    "cold": (502, "EC2ThrottledException", "Not enough capacity"),
    "loop": (400, "RecursiveInvocationException", "Lambda has detected your function being invoked in a recursive loop"),
}
"""What functions of these names answer."""


class AwsDouble:
    """Lambda and STS. Functions of most names answer what they are asked."""

    def __init__(self) -> None:
        self.url = ""
        self.right_keys: set[str] | None = None
        """Ids of keys that are accepted; None: all."""
        self.hold = asyncio.Event()
        """Ends the waiting of the function `slow`."""
        self.waiting = asyncio.Event()
        """Set when it waits."""
        self._asked: list[Asked] = []

    def forget(self) -> None:
        self._asked.clear()

    async def asked(self) -> list[Asked]:
        return self._asked

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self._asked.append(Asked(request.path.lstrip("/"), headers, await request.text()))
        key = headers["authorization"].partition("Credential=")[2].partition("/")[0]
        if request.path == "/":
            return self._role(key)
        if self.right_keys is not None and key not in self.right_keys:
            return _refused(
                403, "UnrecognizedClientException", f"The security token of {key} included in the request is invalid."
            )
        name = request.match_info["name"]
        if name == "slow":
            self.waiting.set()
            await self.hold.wait()
        if name == "hangup":
            assert request.transport is not None
            request.transport.abort()
        if name in REFUSALS:
            return _refused(*REFUSALS[name])
        return _invoked(name, headers, await request.read())

    def _role(self, key: str) -> web.Response:
        if key == "AKIAOUTSIDER":
            return web.Response(
                status=403,
                text="<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message>"
                "</Error></ErrorResponse>",
            )
        credentials = {
            "AccessKeyId": ROLE_KEY,
            "SecretAccessKey": "role-secret",
            "SessionToken": ROLE_TOKEN,
            "Expiration": "2999-01-01T00:00:00Z",
        }
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in credentials.items())
        return web.Response(
            text=f"<AssumeRoleResponse><AssumeRoleResult><Credentials>{inner}</Credentials></AssumeRoleResult></AssumeRoleResponse>"
        )


def _invoked(name: str, headers: Mapping[str, str], body: bytes) -> web.Response:
    told = {"x-amzn-RequestId": "r-1", "X-Amz-Executed-Version": "7"}
    if name == "failing":
        told["X-Amz-Function-Error"] = "Unhandled"
        body = json.dumps({"errorType": "KeyError", "errorMessage": "'total'\nis missing", "stackTrace": ["..."]}).encode()
    if name == "garbled":
        told["X-Amz-Function-Error"], body = "Unhandled", b"\xff{"
    if headers.get("x-amz-log-type") == "Tail":
        log = "START RequestId: r-1\n" + "x" * 2_000 + "\nEND RequestId: r-1\n"
        told["X-Amz-Log-Result"] = b64encode(log.encode()).decode()
    status = STATUSES[headers["x-amz-invocation-type"]]
    return web.Response(status=status, headers=told, body=body if status == 200 else b"")


def _refused(status: int, code: str, said: str) -> web.Response:
    headers = {"x-amzn-ErrorType": code} | ({"Retry-After": "7"} if status == 429 else {})
    return web.json_response({"Message": said, "Type": "User"}, status=status, headers=headers)


@asynccontextmanager
async def aws_double() -> AsyncIterator[AwsDouble]:
    """One on a port of its own."""
    double = AwsDouble()
    app = web.Application()
    app.router.add_post("/", double.answer)
    app.router.add_post("/2015-03-31/functions/{name}/invocations", double.answer)
    runner: Any = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        double.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield double
    finally:
        await runner.cleanup()
