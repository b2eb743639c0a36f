"""Firings that are cancelled: before, in and between their attempts."""

import asyncio

import pytest
from acting_fakes import Acting, Stubborn, Target, a_firing, http_trigger, tried_fast
from aiohttp import web
from waiting import until

from eventbus.errors import BusUnavailable
from eventbus.firing import Outcome, OutcomeKind, TriggerRef
from manifests.objects import TocsinTriggerHead
from sensors.attempt import Armed
from sensors.web.client import Web

CANCELLED = Outcome(kind=OutcomeKind.SKIPPED, reason="cancelled by the test")


async def test_a_cancelled_attempt_is_broken_off_and_recorded_with_what_it_had_sent(
    run: Acting, target: Target, client: Web
) -> None:
    async def hang(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    target.answer = hang
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast())
    firing = a_firing(ref)
    run.outbox.put(firing)
    await until(lambda: bool(target.seen))
    assert not await run.bus.outbox.cancel(firing.id, CANCELLED)
    assert await run.dispatcher.cancel(firing.id, CANCELLED)
    record = await run.bus.journal.firing(firing.id)
    assert record is not None
    assert (record.outcome, record.reason) == (OutcomeKind.SKIPPED, CANCELLED.reason)
    assert [(attempt.number, attempt.succeeded) for attempt in record.attempts] == [(1, False)]
    assert "the target may have acted" in record.attempts[0].reason
    assert record.request is not None
    assert run.dispatcher.in_flight == 0
    assert not await run.dispatcher.cancel(firing.id, CANCELLED)


async def test_a_firing_that_waits_for_room_is_cancelled_unsent_and_the_rest_goes_on(
    run: Acting, target: Target, client: Web
) -> None:
    going = asyncio.Event()

    async def wait(request: web.Request) -> web.StreamResponse:
        await going.wait()
        return web.Response()

    target.answer = wait
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), TocsinTriggerHead(concurrency=1))
    firings = [a_firing(ref, n) for n in (1, 2, 3)]
    run.outbox.put(*firings)
    await until(lambda: bool(target.seen) and len(run.outbox.rows) == 3 and run.dispatcher.held > 1)
    waiting = [firing for firing in firings if firing.id != target.seen[0].headers["Idempotency-Key"]]
    cancelled = [await run.dispatcher.cancel(f.id, CANCELLED) or await run.bus.outbox.cancel(f.id, CANCELLED) for f in waiting]
    assert cancelled == [True, True]
    going.set()
    await until(lambda: run.dispatcher.held == 0)
    assert len(target.seen) == 1
    for firing in waiting:
        record = await run.bus.journal.firing(firing.id)
        assert record is not None
        assert (record.outcome, record.attempts) == (OutcomeKind.SKIPPED, ())


async def test_an_attempt_that_waits_for_the_bus_is_broken_off_and_the_dispatcher_goes_on(
    run: Acting, target: Target, client: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0

    async def away(ref: TriggerRef, revision: str) -> Armed:
        nonlocal asked
        asked += 1
        raise BusUnavailable("the disk is full")

    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast())
    firing, next_one = a_firing(ref, 1), a_firing(ref, 2)
    with monkeypatch.context() as patch:
        patch.setattr(run.armory, "armed", away)
        run.outbox.put(firing)
        await until(lambda: asked > 0)
        assert await run.dispatcher.cancel(firing.id, CANCELLED)
    record = await run.bus.journal.firing(firing.id)
    assert record is not None
    assert (record.outcome, record.request) == (OutcomeKind.SKIPPED, None)
    run.outbox.put(next_one)
    await until(lambda: len(run.outbox.closed) == 2)
    assert [sent.headers["Idempotency-Key"] for sent in target.seen] == [next_one.id]


async def test_a_trigger_that_fails_because_it_was_cancelled_is_not_tried_again(run: Acting) -> None:
    trigger = Stubborn()
    firing = a_firing(run.armory.add("call", trigger, tried_fast()))
    run.outbox.put(firing)
    await trigger.fired.wait()
    assert await run.dispatcher.cancel(firing.id, CANCELLED)
    record = await run.bus.journal.firing(firing.id)
    assert record is not None
    assert (record.outcome, record.reason) == (OutcomeKind.SKIPPED, CANCELLED.reason)
    assert [attempt.reason for attempt in record.attempts] == ["the connection was lost"]


async def test_an_attempt_that_ends_first_ends_as_it_ended(run: Acting, target: Target, client: Web) -> None:
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast())
    firing = a_firing(ref)
    run.outbox.put(firing)
    while not await run.dispatcher.cancel(firing.id, CANCELLED) and not run.outbox.closed:
        await asyncio.sleep(0)
    (row,) = run.outbox.closed
    record = await run.bus.journal.firing(firing.id)
    assert record is not None
    assert row.outcome is not None
    assert record.outcome in (OutcomeKind.SUCCEEDED, OutcomeKind.SKIPPED)
    assert (record.outcome is OutcomeKind.SUCCEEDED) == record.attempts[-1].succeeded
