"""Fixtures of the servers, one of each for the whole run."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, Self, TypeVar

import pytest

from servers.argo_events import fetch as fetch_argo_events
from servers.artemis import ArtemisBroker
from servers.aws import AwsServer
from servers.azure import AzureServer
from servers.cache import Missing, need
from servers.golang import go
from servers.kafka import KafkaBroker
from servers.kubernetes import KubernetesServer
from servers.nats import NatsServer
from servers.openssh import SshServer
from servers.pulsar import PulsarServer
from servers.workflows import WorkflowController


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A Kafka broker. Tests share it, so each makes topics of its own, and a test that kills it starts it again."""
    with served("Kafka", lambda: KafkaBroker(tmp_path_factory.mktemp("kafka"))) as server:
        yield server


@pytest.fixture(scope="session")
def kubernetes_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesServer]:
    """A Kubernetes API server. Tests share it, so each makes a namespace of its own, and a test that kills it starts it again."""
    with served("the Kubernetes API server", lambda: KubernetesServer(tmp_path_factory.mktemp("kubernetes"))) as server:
        yield server


@pytest.fixture(scope="module")
def workflow_controller(
    kubernetes_server: KubernetesServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkflowController]:
    """What runs workflows, not started: for one module, because tests of others play its part."""
    folder = tmp_path_factory.mktemp("workflows")
    controller = had("the controller of Argo Workflows", lambda: WorkflowController(kubernetes_server, folder))
    try:
        yield controller
    finally:
        controller.stop()


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """NATS servers. Tests share them, so each uses subjects of its own, and a test that kills them starts them again."""
    with served("NATS", lambda: NatsServer(tmp_path_factory.mktemp("nats"))) as server:
        yield server


@pytest.fixture(scope="session")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsServer]:
    """A server that plays AWS. Tests share it, so each forgets what the one before asked."""
    with served("a server that plays AWS", lambda: AwsServer(tmp_path_factory.mktemp("aws"))) as server:
        yield server


@pytest.fixture(scope="session")
def pulsar_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PulsarServer]:
    """A Pulsar broker. Tests share it, so each uses topics of its own, and a test that kills it starts it again."""
    with served("Pulsar", lambda: PulsarServer(tmp_path_factory.mktemp("pulsar"))) as server:
        yield server


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureServer]:
    """A server that plays Azure's messaging. Tests share it, so each uses entities of its own."""
    with served("a server that plays Azure", lambda: AzureServer(tmp_path_factory.mktemp("azure"))) as server:
        yield server


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """An OpenSSH server."""
    with served("OpenSSH", lambda: SshServer(tmp_path_factory.mktemp("ssh"))) as server:
        yield server


@pytest.fixture(scope="session")
def artemis_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArtemisBroker]:
    """A broker that speaks AMQP 1.0. Tests share it, so each uses queues of its own."""
    with served("Artemis", lambda: ArtemisBroker(tmp_path_factory.mktemp("artemis"))) as server:
        yield server


@pytest.fixture(scope="session")
def openssl() -> None:
    """The program that makes certificates."""
    had("openssl", lambda: need(["openssl"], packages="openssl"))


@pytest.fixture(scope="session")
def golang() -> str:
    """The program `go`."""
    return had("Go", go)


@pytest.fixture(scope="session")
def argo_events() -> Path:
    """The program that holds Argo Events' own code."""
    return had("Argo Events", fetch_argo_events)


class Served(Protocol):
    """A server as a test starts and stops it."""

    def start(self) -> Self:
        """Return when it is ready."""

    def stop(self) -> None:
        """End it in order."""


ServedT = TypeVar("ServedT", bound=Served)
T = TypeVar("T")


@contextmanager
def served(name: str, make: Callable[[], ServedT]) -> Iterator[ServedT]:
    """A server that runs inside the block."""
    server = had(name, make)
    try:
        yield server.start()
    finally:
        server.stop()


def had(name: str, get: Callable[[], T]) -> T:
    """What `get` gives. Where that is missing, skip on a laptop, and fail in CI, where everything has to be there."""
    try:
        return get()
    except Missing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} cannot be had: {missing}")
        pytest.skip(f"{name} cannot be had: {missing}")
