"""Parts of the service that run beside each other: started in order, stopped in reverse."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Protocol

import structlog

logger = structlog.get_logger()


class Component(Protocol):
    """Runs until told to stop, then drains."""

    name: str
    ready: asyncio.Event

    async def run(self) -> None:
        """Run until `stop`; return when drained."""

    def stop(self) -> None:
        """Take no new work."""


class Died(RuntimeError):
    """A part of the service ended without being told to. Every firing and event is on disk: a restart goes on."""


@contextlib.asynccontextmanager
async def running(component: Component, *, grace_s: float = 20.0) -> AsyncIterator[None]:
    """Run `component` beside the block. On leaving it: end intake, drain, then cancel.

    A crash inside `component`, or its quiet end, cancels the block at once and comes out as an exception group.
    """
    async with asyncio.TaskGroup() as tasks:
        stopping = False

        async def watched() -> None:
            await component.run()
            if not stopping:
                raise Died(f"the {component.name} ended without being told to")

        task = tasks.create_task(watched(), name=component.name)
        await component.ready.wait()
        try:
            yield
        finally:
            stopping = True
            component.stop()
        try:
            async with asyncio.timeout(grace_s):
                await asyncio.wait([task])
        except TimeoutError:
            logger.warning("drain_timed_out", component=component.name, grace_s=grace_s)
            task.cancel()
