"""Fixtures of the servers, one of each for the whole run."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

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
    try:
        broker = KafkaBroker(tmp_path_factory.mktemp("kafka"))
    except Missing as missing:
        cannot_be_had("Kafka", missing)
    try:
        yield broker.start()
    finally:
        broker.stop()


@pytest.fixture(scope="session")
def kubernetes_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesServer]:
    """A Kubernetes API server. Tests share it, so each makes a namespace of its own, and a test that kills it starts it again."""
    try:
        server = KubernetesServer(tmp_path_factory.mktemp("kubernetes"))
    except Missing as missing:
        cannot_be_had("the Kubernetes API server", missing)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="module")
def workflow_controller(
    kubernetes_server: KubernetesServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WorkflowController]:
    """What runs workflows, not started: for one module, because tests of others play its part."""
    try:
        controller = WorkflowController(kubernetes_server, tmp_path_factory.mktemp("workflows"))
    except Missing as missing:
        cannot_be_had("the controller of Argo Workflows", missing)
    try:
        yield controller
    finally:
        controller.stop()


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """NATS servers. Tests share them, so each uses subjects of its own, and a test that kills them starts them again."""
    try:
        server = NatsServer(tmp_path_factory.mktemp("nats"))
    except Missing as missing:
        cannot_be_had("NATS", missing)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsServer]:
    """A server that plays AWS. Tests share it, so each forgets what the one before asked."""
    try:
        server = AwsServer(tmp_path_factory.mktemp("aws"))
    except Missing as missing:
        cannot_be_had("a server that plays AWS", missing)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def pulsar_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PulsarServer]:
    """A Pulsar broker. Tests share it, so each uses topics of its own, and a test that kills it starts it again."""
    try:
        server = PulsarServer(tmp_path_factory.mktemp("pulsar"))
    except Missing as missing:
        cannot_be_had("Pulsar", missing)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AzureServer]:
    """A server that plays Azure's messaging. Tests share it, so each uses entities of its own."""
    try:
        server = AzureServer(tmp_path_factory.mktemp("azure"))
    except Missing as missing:
        cannot_be_had("a server that plays Azure", missing)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """An OpenSSH server."""
    try:
        server = SshServer(tmp_path_factory.mktemp("ssh"))
    except Missing as missing:
        cannot_be_had("OpenSSH", missing)
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture(scope="session")
def artemis_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArtemisBroker]:
    """A broker that speaks AMQP 1.0. Tests share it, so each uses queues of its own."""
    try:
        broker = ArtemisBroker(tmp_path_factory.mktemp("artemis"))
    except Missing as missing:
        cannot_be_had("Artemis", missing)
    try:
        yield broker.start()
    finally:
        broker.stop()


@pytest.fixture(scope="session")
def openssl() -> None:
    """The program that makes certificates."""
    try:
        need(["openssl"], packages="openssl")
    except Missing as missing:
        cannot_be_had("openssl", missing)


@pytest.fixture(scope="session")
def golang() -> str:
    """The program `go`."""
    try:
        return go()
    except Missing as missing:
        cannot_be_had("Go", missing)


@pytest.fixture(scope="session")
def argo_events() -> Path:
    """The program that holds Argo Events' own code."""
    try:
        return fetch_argo_events()
    except Missing as missing:
        cannot_be_had("Argo Events", missing)


def cannot_be_had(server: str, missing: Missing) -> NoReturn:
    """Skip on a laptop; in CI, where everything has to be there, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{server} cannot be had: {missing}")
    pytest.skip(f"{server} cannot be had: {missing}")
