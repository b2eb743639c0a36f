"""Connections to a Pulsar cluster: from what a declaration says to the client library, and that library's errors in words."""

import asyncio
import contextlib
import os
import re
import ssl
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

from clients.extras import needs_extra
from clients.tls import TLSMaterial

if TYPE_CHECKING:
    from pulsar.asyncio import PulsarException

NOT_INSTALLED = needs_extra("Pulsar", "pulsar")
OPERATION_S = 10
"""Seconds until the library gives up on one operation, connecting included; by itself it would try for half a minute."""
_PROBE_S = 2.0
_CLOSE_S = 2.0
_URL = re.compile(
    r"(?:pulsar|http)(?P<tls>\+ssl|s)?://(?P<host>[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::(?P<port>\d{1,5}))?(?:,[\w.:\[\]-]+)*/?",
    re.ASCII,
)
_SCHEMES = ("pulsar://", "pulsar+ssl://", "http://", "https://")
_PORTS = {"pulsar://": 6650, "pulsar+ssl://": 6651, "http://": 80, "https://": 443}

_LASTING = frozenset(
    {
        "AuthorizationError",
        "IncompatibleSchema",
        "InvalidMessage",
        "InvalidTopicName",
        "MessageTooBig",
        "NotAllowedError",
        "OperationNotSupported",
        "TopicNotFound",
        "TopicTerminated",
        "UnsupportedVersionError",
    }
)
_WORDS = {
    "AuthenticationError": "the broker does not accept the login",
    "InvalidTopicName": "this is no name of a topic; write NAME, or persistent://TENANT/NAMESPACE/NAME",
    "MessageTooBig": "the message is larger than the broker takes",
    "ProducerQueueIsFull": "too many messages wait for the broker already",
    "TopicTerminated": "the topic takes no messages any more",
}


def is_installed() -> bool:
    """Whether the client library is there."""
    return find_spec("_pulsar") is not None


def check_url(url: str) -> str:
    """`url` where it names a cluster. Raises `ValueError`."""
    if not url.startswith(_SCHEMES) or not _URL.fullmatch(url):
        raise ValueError(
            "expected pulsar://HOST:PORT or pulsar+ssl://HOST:PORT; several hosts separated by commas, and no login in it"
        )
    return url


class PulsarWay(NamedTuple):
    """A cluster as one user sees it. Equal ones share connections. It never prints a secret."""

    url: str
    tls: TLSMaterial = TLSMaterial()
    """Used where the URL speaks TLS; the client's certificate is its login, too."""
    check_name: bool = True
    """Whether the broker's certificate must name its host."""
    token: str = ""

    def __repr__(self) -> str:
        return f"PulsarWay({self.url})"

    @property
    def where(self) -> str:
        """The cluster, for messages."""
        return f"Pulsar at {self.url}"


class PulsarFailed(Exception):
    """The cluster did not do it. The message says why, and never shows a secret."""

    def __init__(self, message: str, *, lasting: bool) -> None:
        super().__init__(message)
        self.lasting = lasting
        """Whether trying again cannot help."""


class PulsarConnection:
    """The library's client, and what it needs for as long as it lives."""

    def __init__(self, way: PulsarWay) -> None:
        """Raises `PulsarFailed`. It connects when it is used."""
        import pulsar  # noqa: PLC0415 - an extra, and heavy
        from pulsar.asyncio import Client  # noqa: PLC0415 - see above

        self.way = way
        self._files = _Files()
        try:
            self.client = Client(
                way.url,
                operation_timeout_seconds=OPERATION_S,
                connection_timeout_ms=1000 * OPERATION_S,
                # It has one log for the whole process, and what matters comes as an exception.
                logger=pulsar.FileLogger(pulsar.LoggerLevel.Error, os.devnull),
                **_security(way, self._files),
            )
        except (ValueError, RuntimeError) as exc:
            self._files.close()
            raise PulsarFailed(f"{way.where}: {exc}", lasting=False) from exc

    async def close(self) -> None:
        """Close it and all producers of it, whatever state they are in."""
        from pulsar.asyncio import PulsarException  # noqa: PLC0415 - see above

        try:
            with contextlib.suppress(PulsarException, TimeoutError):
                async with asyncio.timeout(_CLOSE_S):
                    await self.client.close()
        finally:
            self._files.close()


class _Files:
    """Files in memory: the library reads certificates and keys by name, and again whenever it connects."""

    def __init__(self) -> None:
        self._handles: list[int] = []

    def name(self, content: bytes) -> str:
        """A file with `content`, for this process alone."""
        handle = os.memfd_create("tocsin")
        self._handles.append(handle)
        with open(handle, "wb", closefd=False) as file:
            file.write(content)
        return f"/proc/self/fd/{handle}"

    def close(self) -> None:
        """Forget them."""
        while self._handles:
            os.close(self._handles.pop())


def _security(way: PulsarWay, files: _Files) -> dict[str, Any]:
    import pulsar  # noqa: PLC0415 - see above

    tls = way.tls
    trusted = files.name(tls.ca) if tls.ca else ssl.get_default_verify_paths().cafile
    told: dict[str, Any] = {
        "tls_trust_certs_file_path": trusted,
        "tls_allow_insecure_connection": tls.insecure,
        "tls_validate_hostname": way.check_name and not tls.insecure,
    }
    if tls.certificate:
        told["authentication"] = pulsar.AuthenticationTLS(files.name(tls.certificate), files.name(tls.key))
    elif way.token:
        told["authentication"] = pulsar.AuthenticationToken(way.token)
    return told


async def failed(exc: "PulsarException", way: PulsarWay) -> PulsarFailed:
    """`exc` in words. Where the library says only that time ran out, it is looked whether anybody is there."""
    result = exc.error().name
    _, _, said = str(exc).partition(": ")
    if result == "Timeout":
        words = await _why_silent(way)
    elif "certificate verify failed" in said:
        words = "the broker's certificate is not accepted; set tlsTrustCertsSecret to its authority, and check the host's name"
    else:
        words = _WORDS.get(result) or result
        words = f"{words}: {' '.join(said.split())}" if said.strip() else words
    return PulsarFailed(f"{way.where}: {words}", lasting=result in _LASTING)


async def _why_silent(way: PulsarWay) -> str:
    found = _URL.fullmatch(way.url)
    scheme = next(scheme for scheme in _SCHEMES if way.url.startswith(scheme))
    host, port = (found["host"].strip("[]"), int(found["port"] or _PORTS[scheme])) if found else ("", 0)
    try:
        async with asyncio.timeout(_PROBE_S):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return "nobody answers"
    except OSError as exc:
        return f"cannot connect: {exc.strerror or exc}"
    writer.close()
    hint = "is it well, does this port speak what the URL says, and does it accept the login?"
    return f"somebody is there, and did not do it in {OPERATION_S} s; {hint}"
