"""One bus, over every backend."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from bus_backends import BACKENDS, Clock, ReopenableBus
from replay_rig import Rig


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture(params=sorted(BACKENDS))
async def bus(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[ReopenableBus]:
    reopenable = await ReopenableBus(BACKENDS[request.param](tmp_path / "data"), clock).open()
    yield reopenable
    await reopenable.bus.aclose()


@pytest.fixture
def rig(bus: ReopenableBus) -> Rig:
    return Rig(bus)
