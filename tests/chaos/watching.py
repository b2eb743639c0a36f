"""Whether what a process holds stays as it is while harm is done to it."""

import asyncio
import time

from chaos.verdict import Kind, Report
from chaos.world import World

EVERY_S = 0.5
LONG_S = 60.0
"""A life of fewer seconds says nothing: caches fill, and connections are made."""
MOST_MIB_A_MINUTE = 4.0
"""Growth of memory that is none. Unharmed a process grew by 0.01 MiB a minute over ten minutes of 800 events a second (the
soak of `make bench`); harmed 54 times in four minutes of 350 events a second by 0.9 (seed 1), because the backlog that a
fault leaves is still there when the next one hits. This is four times as much; a leak of 0.2 KiB for each event is as
much, too."""
MOST_DESCRIPTORS = 8
"""Growth of open files that is none. Unharmed it is nought (71 before, 70 after the same ten minutes); calls that a target
keeps hanging hold some for as long as a fault lasts. Between the two quarters that are compared lie half of the faults,
32 in the three minutes of `make chaos`: what leaks one at every fourth fault is seen."""


async def watch(world: World) -> None:
    """Look at whatever process the service is, until cancelled."""
    while True:
        vitals = world.service.vitals()
        if vitals.rss_bytes:
            world.report.lives[world.service.pid].note(time.monotonic(), vitals)
        await asyncio.sleep(EVERY_S)


def judge_lives(report: Report) -> None:
    """Note what grew in those that were long enough."""
    for life in report.lives.values():
        if life.seconds < LONG_S:
            continue
        if (mib := life.growth_mib_a_minute()) > MOST_MIB_A_MINUTE:
            report.add(Kind.GROWN, f"memory, by {mib:.1f} MiB a minute to {life.rss_mib[-1]:.0f} MiB in {life.seconds:.0f} s")
        if (files := life.growth_descriptors()) > MOST_DESCRIPTORS:
            report.add(Kind.GROWN, f"open files, by {files:.0f} to {life.descriptors[-1]} in {life.seconds:.0f} s")
