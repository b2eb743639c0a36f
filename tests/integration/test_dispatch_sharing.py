"""Acting within limits: order, rates, hanging triggers, a full bus, stopping and crashes."""

import asyncio
import time
from pathlib import Path

from acting_fakes import Acting, Target, a_firing, acting, http_trigger, tried_fast
from aiohttp import web
from waiting import until

from manifests.objects import RateLimit
from sensors.limits import ActingLimits
from sensors.web.client import Web


async def test_a_trigger_that_hangs_does_not_slow_down_the_others(run: Acting, target: Target, client: Web) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/hang":
            await asyncio.sleep(60)
        return web.Response(text="ok")

    target.answer = answer
    hang = {"url": target.url.replace("/hook", "/hang")}
    hanging = [run.armory.add(f"hang-{n}", http_trigger(hang, web=client), tried_fast()) for n in range(12)]
    healthy = run.armory.add("healthy", http_trigger({"url": target.url}, web=client), tried_fast())
    run.outbox.put(*[a_firing(ref, n) for ref in hanging for n in range(1, 101)])
    await until(lambda: sum(seen.path == "/hang" for seen in target.seen) > 150)
    run.outbox.put(*[a_firing(healthy, n) for n in range(1001, 1101)])
    await until(lambda: sum(row.firing.trigger == healthy for row in run.outbox.closed) == 100)
    # Not by the clock, which says as much of what else the machine does: all of them went before any that hangs had ended.
    assert {row.firing.trigger for row in run.outbox.closed} == {healthy}
    assert max(len(row.attempts) for row in run.outbox.closed) == 1
    assert run.dispatcher.in_flight <= 256


async def test_a_retrying_head_holds_back_its_order_key_only(run: Acting, target: Target, client: Web) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        key = request.headers["Idempotency-Key"]
        tries = sum(seen.headers["Idempotency-Key"] == key for seen in target.seen)
        return web.Response(status=500 if key == first.id and tries < 3 else 200)

    target.answer = answer
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast(steps=5))
    first = a_firing(ref, 1, order_key="a")
    later = [a_firing(ref, n, order_key="a") for n in (2, 3)]
    others = [a_firing(ref, n, order_key="b") for n in (4, 5)]
    run.outbox.put(first, *later, *others)
    await run.all_closed()
    order = [seen.headers["Idempotency-Key"] for seen in target.seen]
    of_key = [key for key in order if key in {first.id, *(firing.id for firing in later)}]
    assert of_key == [first.id] * 3 + [firing.id for firing in later]
    assert order.index(others[1].id) < order.index(later[0].id)


async def test_an_outcome_that_the_bus_cannot_take_is_recorded_later_without_acting_again(
    run: Acting, target: Target, client: Web
) -> None:
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast())
    run.outbox.down = {"close"}
    run.outbox.put(a_firing(ref))
    await until(lambda: len(target.seen) == 1)
    await asyncio.sleep(0.3)
    assert run.outbox.closed == []
    run.outbox.down = set()
    await run.all_closed()
    assert len(target.seen) == 1


async def test_work_goes_on_when_the_bus_that_gave_no_work_is_back(run: Acting, target: Target, client: Web) -> None:
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast())
    run.outbox.down = {"take"}
    run.outbox.put(a_firing(ref))
    await until(lambda: run.outbox.takes >= 3)
    run.outbox.down = set()
    await run.all_closed()
    assert len(target.seen) == 1


async def test_a_rate_limit_spaces_the_attempts_and_no_other_trigger_waits(run: Acting, target: Target, client: Web) -> None:
    times: dict[str, list[float]] = {"/slow": [], "/hook": []}

    async def answer(request: web.Request) -> web.StreamResponse:
        times[request.path].append(time.monotonic())
        return web.Response(text="ok")

    target.answer = answer
    slow = {"url": target.url.replace("/hook", "/slow")}
    limited = run.armory.add("limited", http_trigger(slow, web=client), tried_fast(rate_limit=RateLimit(requests_per_unit=5)))
    free = run.armory.add("free", http_trigger({"url": target.url}, web=client), tried_fast())
    run.outbox.put(*[a_firing(limited, n) for n in range(1, 9)], *[a_firing(free, n) for n in range(101, 151)])
    await run.all_closed()
    # When each was started: how long a new connection takes to reach the target is no matter of the limit.
    rows = [row for row in run.outbox.rows.values() if row.firing.trigger == limited]
    slots = sorted(attempt.started_us / 1e6 for row in rows for attempt in row.attempts)
    assert slots[-1] - slots[0] >= 1.3
    assert max(sum(at <= slot < at + 0.7 for slot in slots) for at in slots) <= 5
    assert max(times["/hook"]) < max(times["/slow"])


async def test_stopping_lets_attempts_in_flight_end_and_gives_the_rest_back(target: Target, client: Web) -> None:
    release = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response(text="ok")

    target.answer = answer
    async with acting(limits=ActingLimits(grace_s=10.0)) as run:
        ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast(concurrency=2))
        run.outbox.put(*[a_firing(ref, n) for n in range(1, 8)])
        await until(lambda: len(target.seen) == 2)
        run.dispatcher.stop()
        await asyncio.sleep(0.05)
        release.set()
    assert len(run.outbox.closed) == len(target.seen) == 2
    assert run.outbox.given_back
    assert all(not row.taken for row in run.outbox.rows.values() if row.outcome is None)


async def test_what_outlasts_the_grace_period_is_cancelled_and_stays_open(target: Target, client: Web) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response(text="late")

    target.answer = answer
    async with acting(limits=ActingLimits(grace_s=0.1)) as run:
        ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast())
        run.outbox.put(a_firing(ref))
        await until(lambda: len(target.seen) == 1)
    (row,) = run.outbox.rows.values()
    assert row.outcome is None
    assert row.taken
    assert row.attempts == []


async def test_a_crash_after_acting_repeats_the_attempt_with_the_same_key_and_request(
    target: Target, client: Web, tmp_path: Path
) -> None:
    payload = [{"src": {"dependencyName": "push", "dataTemplate": "{{ randAlphaNum 20 }} {{ now }}"}, "dest": "nonce"}]
    trigger = http_trigger({"url": target.url, "payload": payload}, web=client)
    async with acting(folder=tmp_path, limits=ActingLimits(grace_s=0.1)) as run:
        ref = run.armory.add("call", trigger, tried_fast())
        run.outbox.down = {"close"}
        run.outbox.put(a_firing(ref))
        await until(lambda: len(target.seen) == 1)
    async with acting(folder=tmp_path) as again:
        again.armory.add("call", trigger, tried_fast())
        await until(lambda: len(again.outbox.closed) == 1)
    first, second = target.seen
    assert first.body == second.body
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


async def test_an_idle_dispatcher_sleeps(run: Acting) -> None:
    await asyncio.sleep(0.3)
    assert run.outbox.takes == 1


async def test_a_backlog_of_one_trigger_drains_with_its_concurrency_respected(run: Acting, target: Target, client: Web) -> None:
    running = peak = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        await asyncio.sleep(0.001)
        running -= 1
        return web.Response(text="ok")

    target.answer = answer
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast(concurrency=4))
    run.outbox.put(*[a_firing(ref, n) for n in range(1, 401)])
    await run.all_closed()
    assert peak == 4
    assert len(target.seen) == 400
