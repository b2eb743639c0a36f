"""Apache Pulsar standalone: one port without TLS, one with. Without a login everybody is `anonymous`, who may do everything."""

import contextlib
import urllib.request
from base64 import b64encode, urlsafe_b64encode
from hmac import digest
from pathlib import Path
from typing import Self

from servers.cache import need
from servers.certificates import make_certificates
from servers.maven import jars
from servers.process import Child, Server, free_ports

_POM = Path(__file__).with_name("pulsar.pom.xml")
_KEY = b"a key of thirty-two bytes, made up"
MAX_MESSAGE_BYTES = 200_000
"""Larger messages are refused by the broker."""

_LOGGING = """
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m%n
"""
_OPENED = {
    "java.base": ("sun.net", "java.io", "java.nio", "sun.nio.ch", "jdk.internal.misc", "jdk.internal.platform", "java.util.zip"),
    "java.management": ("sun.management",),
    "jdk.management": ("com.sun.management.internal",),
}
_AUTHENTICATION = "org.apache.pulsar.broker.authentication.AuthenticationProvider"


def fetch() -> Path:
    """The folder with Pulsar's jars. Raises `Missing`."""
    need(["java", "openssl"], packages="default-jre-headless openssl")
    return jars(_POM)


def token(user: str) -> str:
    """What `user` logs in with. Only `leaf`, whom the certificate names, and whom nobody names may do everything."""
    header, claims = (urlsafe_b64encode(part).rstrip(b"=") for part in (b'{"alg":"HS256"}', b'{"sub":"%b"}' % user.encode()))
    signature = urlsafe_b64encode(digest(_KEY, header + b"." + claims, "sha256")).rstrip(b"=")
    return b".".join((header, claims, signature)).decode()


class PulsarServer(Server):
    """A broker with its data in `folder`. Topics of `public/default` are made by asking for them; a repeat is recognised."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = dict(zip(("plain", "tls", "web", "bookkeeper"), free_ports(4), strict=True))
        self.url = f"pulsar://127.0.0.1:{self._ports['plain']}"
        self.tls_url = f"pulsar+ssl://127.0.0.1:{self._ports['tls']}"
        self.admin_url = f"http://127.0.0.1:{self._ports['web']}/admin/v2"
        self.certificates = make_certificates(folder)
        self._libs = fetch()
        (folder / "log4j2.properties").write_text(_LOGGING)
        (folder / "standalone.conf").write_text("".join(f"{key}={value}\n" for key, value in self._settings().items()))

    def start(self) -> Self:
        """Start it on its data, and return when it takes messages. Does nothing where it runs."""
        if self._child is not None and self._child.runs:
            return self
        folder = self._folder
        opened = [f"--add-opens={module}/{name}=ALL-UNNAMED" for module, names in _OPENED.items() for name in names]
        java = ["java", "-Xms256m", "-Xmx512m", "-XX:MaxDirectMemorySize=512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        flags = ["-Dio.netty.tryReflectionSetAccessible=true", f"-Dlog4j2.configurationFile={folder}/log4j2.properties"]
        program = ["-cp", f"{self._libs}/*", "org.apache.pulsar.PulsarStandaloneStarter", "--config", f"{folder}/standalone.conf"]
        places = ["-nfw", "-nss", "--metadata-dir", f"{folder}/meta", "--bookkeeper-dir", f"{folder}/bk", "--num-bookies", "1"]
        where = ["--bookkeeper-port", str(self._ports["bookkeeper"]), "--advertised-address", "127.0.0.1"]
        self._child = Child([*java, *opened, *flags, *program, *places, *where], log=folder / "pulsar.log")
        self._child.wait_for(self._is_healthy, "Pulsar", timeout_s=90)
        return self

    def stop(self) -> None:
        """End it. In order takes five seconds, and nobody reads its data any more."""
        self.kill()

    def put(self, path: str, body: str = "", *, method: str = "PUT") -> None:
        """Change something through the administration's API."""
        request = urllib.request.Request(
            f"{self.admin_url}/{path}", body.encode(), {"Content-Type": "application/json"}, method=method
        )
        with urllib.request.urlopen(request, timeout=20):
            pass

    def _is_healthy(self) -> bool:
        health = f"{self.admin_url}/brokers/health"
        with contextlib.suppress(OSError), urllib.request.urlopen(health, timeout=5) as answer:
            return bool(answer.status == 200)
        return False

    def _settings(self) -> dict[str, object]:
        return {
            "brokerServicePort": self._ports["plain"],
            "brokerServicePortTls": self._ports["tls"],
            "webServicePort": self._ports["web"],
            "bindAddress": "127.0.0.1",
            "advertisedAddress": "127.0.0.1",
            "clusterName": "standalone",
            "managedLedgerDefaultEnsembleSize": 1,
            "managedLedgerDefaultWriteQuorum": 1,
            "managedLedgerDefaultAckQuorum": 1,
            "functionsWorkerEnabled": "false",
            "loadBalancerEnabled": "false",
            "transactionCoordinatorEnabled": "false",
            "dbStorage_writeCacheMaxSizeMb": 32,
            "dbStorage_readAheadCacheMaxSizeMb": 16,
            "dbStorage_rocksDB_blockCacheSize": 16_777_216,
            "journalMaxGroupWaitMSec": 1,
            "maxMessageSize": MAX_MESSAGE_BYTES,
            "brokerDeduplicationEnabled": "true",
            "tlsCertificateFilePath": self._folder / "leaf.pem",
            "tlsKeyFilePath": self._folder / "leaf.key",
            "tlsTrustCertsFilePath": self._folder / "ca.pem",
            "authenticationEnabled": "true",
            "authenticationProviders": f"{_AUTHENTICATION}Token,{_AUTHENTICATION}Tls",
            "tokenSecretKey": f"data:;base64,{b64encode(_KEY).decode()}",
            "anonymousUserRole": "anonymous",
            "authorizationEnabled": "true",
            "superUserRoles": "anonymous,leaf",
        }
