"""Sources that cannot be started: named, tried again by themselves, and running once what they lack is there."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from eventbus.event import Road
from eventbus.memory.bus import MemoryBus
from manifests.objects import EventSource
from manifests.secrets import SecretValue
from sources.http.listener import HttpListener
from tocsin import running_sources
from tocsin.changes import Changes
from tocsin.components import running
from tocsin.declared import load
from tocsin.kinds import source_kinds
from tocsin.metrics import Metrics
from tocsin.objects import EventState
from tocsin.pauses import Pauses
from tocsin.running_sources import RunningSources
from tocsin.secrets import LocalValues

MANIFEST = """
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: {name}}}
spec:
  webhook:
    push: {{endpoint: /push, port: "{port}", method: POST, authSecret: {{name: {secret}, key: token}}}}
"""
PUSH = Road("default", "hooks", "push")


class CountedValues(LocalValues):
    """Says how often it was asked for a secret."""

    asked = 0

    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        self.asked += 1
        return super().secret(namespace, name, key)


class Rig:
    """Sources that run on what the test declares, with secrets in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bus, self.metrics = folder, MemoryBus(), Metrics()
        self.values = CountedValues({"TOCSIN_SECRETS_DIR": str(folder / "secrets")})
        self.service = RunningSources(
            self.bus,
            self.metrics,
            Changes(),
            Pauses(self.bus.state),
            kinds=source_kinds(),
            values=self.values,
            listener=HttpListener(host="127.0.0.1", port_offset=0, allow_unauthenticated=False),
        )
        self._changed = asyncio.Event()
        self.service.changed = lambda road: self._changed.set()

    def declared(self, port: int = 0, name: str = "hooks", secret: str = "gate") -> EventSource:
        (self.folder / "a.yaml").write_text(MANIFEST.format(port=port, name=name, secret=secret))
        (source,) = load([self.folder / "a.yaml"]).sources
        self.metrics.declare_roads([PUSH, Road("default", name, "push")])
        return source

    def put_secret(self) -> None:
        (self.folder / "secrets" / "gate").mkdir(parents=True)
        (self.folder / "secrets" / "gate" / "token").write_text("t")

    async def tries(self, more: int) -> None:
        """Return once a secret was asked for so often again."""
        async with asyncio.timeout(10):
            until = self.values.asked + more
            while self.values.asked < until:
                await asyncio.sleep(0.001)

    async def change(self) -> None:
        async with asyncio.timeout(10):
            await self._changed.wait()
        self._changed.clear()


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setattr(running_sources, "TRY_AGAIN_S", 0.01)
    made = Rig(tmp_path)
    async with running(made.service):
        yield made


async def state_of(rig: Rig, *declared: EventSource) -> EventState:
    return (await rig.service.apply(declared))[PUSH]


async def test_a_secret_that_comes_later_starts_its_source_and_waiting_for_it_is_said_once(rig: Rig) -> None:
    with capture_logs() as lines:
        state = await state_of(rig, rig.declared())
        assert (state.running, state.refused) == (False, True)
        assert "Secret default/gate key 'token' is missing" in state.message
        await rig.tries(3)
        rig.put_secret()
        await rig.change()
    assert (state.running, state.refused, state.message) == (True, False, "")
    reader, writer = await asyncio.open_connection("127.0.0.1", int(state.endpoint.rpartition(":")[2].partition("/")[0]))
    writer.write(b"POST /push HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer t\r\nContent-Length: 2\r\n\r\n{}")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    assert [line["event"] for line in lines if line["log_level"] != "debug"] == ["source_not_started", "source_started"]


async def test_a_port_that_becomes_free_is_taken_and_another_reason_is_said(rig: Rig) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        state = await state_of(rig, rig.declared(port=other.getsockname()[1]))
        assert "is missing" in state.message
        rig.put_secret()
        await rig.change()
        assert "address already in use" in state.message
        assert not state.running
    await rig.change()
    assert (state.running, state.message) == (True, "")


async def test_what_is_declared_no_more_is_not_started_when_its_secret_comes(rig: Rig) -> None:
    state = await state_of(rig, rig.declared())
    await rig.service.apply([rig.declared(name="other", secret="never")])
    rig.put_secret()
    await rig.tries(3)
    assert not state.running
