"""Apache Kafka, one node in KRaft mode: plain, SASL, TLS, and SASL over TLS, each on a port of its own."""

import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Self

from servers.cache import need
from servers.certificates import make_certificates
from servers.maven import jars
from servers.process import Child, Server, free_ports, listens

_POM = Path(__file__).with_name("kafka.pom.xml")
_LISTENERS = {"PLAIN": "PLAINTEXT", "SASL": "SASL_PLAINTEXT", "TLS": "SSL", "BOTH": "SASL_SSL"}

USER, PASSWORD = "alice", "wonder land"
MAX_RECORD_BYTES = 1_000_000
"""Larger batches of records are refused by the broker."""

_LOGGING = """
rootLogger.level=WARN
rootLogger.appenderRef.out.ref=out
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d %p %m%n
"""


def fetch() -> Path:
    """The folder with Kafka's jars. Raises `Missing`."""
    need(["java", "openssl"], packages="default-jre-headless openssl")
    return jars(_POM)


class KafkaBroker(Server):
    """A broker with its data in `folder`. Topics are not made by asking for them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        *client_ports, self._controller = free_ports(len(_LISTENERS) + 1)
        self.certificates = make_certificates(folder)
        self.plain, self.sasl, self.tls, self.sasl_tls = (f"127.0.0.1:{port}" for port in client_ports)
        """Addresses of the listeners; `sasl` and `sasl_tls` know `USER` by PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512, and
        whoever brings an unsigned token that lasts."""
        java = ["java", "-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        self._java = [*java, f"-Dlog4j2.configurationFile={folder / 'log4j2.properties'}", "-cp", f"{fetch()}/*"]
        self._format()

    def start(self) -> Self:
        """Start it on its data, and return when it takes connections. Does nothing where it runs."""
        if self._child is not None and self._child.runs:
            return self
        self._child = Child([*self._java, "kafka.Kafka", str(self._folder / "server.properties")], log=self._folder / "kafka.log")
        port = int(self.plain.rpartition(":")[2])
        self._child.wait_for(lambda: listens(port), "Kafka broker")
        return self

    def _format(self) -> None:
        (self._folder / "log4j2.properties").write_text(_LOGGING)
        leaf = [(self._folder / name).read_text() for name in ("leaf.key", "leaf.pem")]
        (self._folder / "keystore.pem").write_text("".join(leaf))
        properties = self._folder / "server.properties"
        properties.write_text("".join(f"{key}={value}\n" for key, value in self._properties().items()))
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = [
            *self._java,
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={cluster}",
            "-c",
            str(properties),
            "--standalone",
        ]
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            tool += ["--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]"]
        done = subprocess.run(tool, cwd=self._folder, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode:
            raise RuntimeError(f"Kafka's storage cannot be formatted: {done.stdout[-2000:]}{done.stderr[-2000:]}")

    def _properties(self) -> dict[str, object]:
        addresses = zip(_LISTENERS, (self.plain, self.sasl, self.tls, self.sasl_tls), strict=True)
        listeners = ",".join(f"{name}://{address}" for name, address in addresses)
        controller = f"127.0.0.1:{self._controller}"
        security = "org.apache.kafka.common.security"
        login = {
            "plain": f'{security}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
            "scram-sha-256": f"{security}.scram.ScramLoginModule required;",
            "scram-sha-512": f"{security}.scram.ScramLoginModule required;",
            # Takes tokens that nobody signed, as Kafka does unless told whose signature counts.
            "oauthbearer": f'{security}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
        }
        return {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.bootstrap.servers": controller,
            "listeners": f"{listeners},CONTROLLER://{controller}",
            "advertised.listeners": listeners,
            "listener.security.protocol.map": ",".join(
                f"{name}:{protocol}" for name, protocol in [*_LISTENERS.items(), ("CONTROLLER", "PLAINTEXT")]
            ),
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAIN",
            "log.dirs": self._folder / "data",
            "auto.create.topics.enable": "false",
            "message.max.bytes": MAX_RECORD_BYTES,
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
            **{
                f"listener.name.{listener}.{mechanism}.sasl.jaas.config": module
                for listener in ("sasl", "both")
                for mechanism, module in login.items()
            },
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self._folder / "keystore.pem",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self._folder / "ca.pem",
            "ssl.client.auth": "requested",
            "listener.name.tls.ssl.client.auth": "required",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "group.min.session.timeout.ms": 500,
            # A killed broker comes back when its old registration has run out.
            "broker.session.timeout.ms": 1500,
            "broker.heartbeat.interval.ms": 300,
        }
