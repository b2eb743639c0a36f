"""Apache ActiveMQ Artemis: a broker that speaks AMQP 1.0, to see that what plays Azure does as one does."""

from pathlib import Path
from typing import Self

from servers.cache import need
from servers.maven import jars
from servers.process import Child, Server, free_ports, listens

_POM = Path(__file__).with_name("artemis.pom.xml")
_MAIN = "org.apache.activemq.artemis.core.server.embedded.Main"
_CONFIGURATION = """
<configuration xmlns="urn:activemq"><core xmlns="urn:activemq:core">
  <security-enabled>false</security-enabled>
  <persistence-enabled>false</persistence-enabled>
  <acceptors><acceptor name="amqp">tcp://127.0.0.1:{port}?protocols=AMQP</acceptor></acceptors>
  <address-settings><address-setting match="#">
    <default-address-routing-type>ANYCAST</default-address-routing-type>
    <default-queue-routing-type>ANYCAST</default-queue-routing-type>
  </address-setting></address-settings>
</core></configuration>
"""


def fetch() -> Path:
    """The folder with its jars. Raises `Missing`."""
    need(["java"], packages="default-jre-headless")
    return jars(_POM)


class ArtemisBroker(Server):
    """A broker that keeps everything in memory. Queues are made by asking for them."""

    def __init__(self, folder: Path) -> None:
        (self.port,) = free_ports(1)
        self._folder, self._libs = folder, fetch()
        (folder / "etc").mkdir()
        (folder / "etc" / "broker.xml").write_text(_CONFIGURATION.format(port=self.port))

    def start(self) -> Self:
        """Start it, and return when it takes connections."""
        java = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{self._libs}/*"]
        self._child = Child([*java, _MAIN, str(self._folder)], log=self._folder / "artemis.log")
        self._child.wait_for(lambda: listens(self.port), "Artemis broker")
        return self
