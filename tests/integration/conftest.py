"""What tests of acting share: a client, a target that it calls, and a dispatcher between a bus and triggers."""

from collections.abc import AsyncIterator

import pytest
from acting_fakes import Acting, Target, a_target, acting

from sensors.limits import ActingLimits
from sensors.web.client import Web


@pytest.fixture
async def client() -> AsyncIterator[Web]:
    shared = Web()
    yield shared
    await shared.aclose()


@pytest.fixture
async def target() -> AsyncIterator[Target]:
    async with a_target() as server:
        yield server


@pytest.fixture
async def run(client: Web, target: Target) -> AsyncIterator[Acting]:
    # Asks for the others so that it stops before them.
    async with acting(limits=ActingLimits(grace_s=1.0)) as running:
        yield running
