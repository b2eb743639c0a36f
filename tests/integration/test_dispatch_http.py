"""The dispatcher against a real target that misbehaves: outcomes, retries, and the latency of everyone else."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from acting_fakes import Acting, FixedValues, Target, a_firing, a_target, acting, an_event, http_trigger
from aiohttp import web
from waiting import until

from eventbus.chain import Chain
from eventbus.errors import BusUnavailable
from eventbus.firing import Outcome, OutcomeKind, TriggerRef
from manifests.fields import Backoff
from manifests.objects import Dialect, Policy, RateLimit, StatusPolicy, TocsinTriggerHead, TriggerHead
from sensors.attempt import Armed
from sensors.bound import LARGE, Bound, EventView
from sensors.errors import TriggerUnavailable
from sensors.languages.document import Document
from sensors.languages.gjson import Path as GjsonPath
from sensors.languages.gjson import Result
from sensors.limits import ActingLimits
from sensors.parameters.searched import searched_by
from sensors.triggers.trigger import Delivered
from sensors.web.client import Web


def fast(steps: int = 3, **more: object) -> TocsinTriggerHead:
    return TocsinTriggerHead(retry_strategy=Backoff(duration="10ms", factor=1.0, jitter=0.0, steps=steps), **more)  # type: ignore[arg-type]


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


def answering(*statuses: int, **headers: str) -> object:
    """Answer with each status in turn; the last one stays."""
    left = list(statuses)

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=left.pop(0) if len(left) > 1 else left[0], text="said", headers=headers)

    return answer


async def test_a_firing_is_sent_with_its_id_as_key_and_closed_as_succeeded(run: Acting, target: Target, client: Web) -> None:
    payload = [{"src": {"dependencyName": "push", "dataKey": "ref"}, "dest": "ref"}]
    ref = run.armory.add("call", http_trigger({"url": target.url, "payload": payload}, web=client))
    run.outbox.put(a_firing(ref))
    await run.all_closed()
    (seen,), (row,) = target.seen, run.outbox.closed
    assert (seen.method, seen.body) == ("POST", b'{"ref":"refs/heads/main"}')
    assert seen.headers["Idempotency-Key"] == row.firing.id
    assert row.outcome is not None
    assert row.outcome.kind is OutcomeKind.SUCCEEDED
    assert [(attempt.number, attempt.succeeded, attempt.status) for attempt in row.attempts] == [(1, True, 200)]


async def test_what_a_target_says_of_a_success_is_kept_in_one_line(run: Acting) -> None:
    run.outbox.put(a_firing(run.armory.add("tell", Telling())))
    await run.all_closed()
    (row,) = run.outbox.closed
    stored = await run.bus.journal.firing(row.firing.id)
    assert stored is not None
    assert [(attempt.succeeded, attempt.reason) for attempt in stored.attempts] == [(True, "partition 0, offset 3 ?")]


async def test_a_500_is_tried_again_with_the_same_request_and_key_until_it_succeeds(
    run: Acting, target: Target, client: Web
) -> None:
    target.answer = answering(500, 502, 201)  # type: ignore[assignment]
    payload = [{"src": {"dependencyName": "push", "dataTemplate": "{{ randAlphaNum 20 }}"}, "dest": "nonce"}]
    ref = run.armory.add("call", http_trigger({"url": target.url, "payload": payload}, web=client), fast())
    run.outbox.put(a_firing(ref))
    await run.all_closed()
    (row,) = run.outbox.closed
    assert [(attempt.succeeded, attempt.status) for attempt in row.attempts] == [(False, 500), (False, 502), (True, 201)]
    assert row.attempts[0].reason.endswith("answered 500: said")
    assert len({seen.body for seen in target.seen}) == 1
    assert {seen.headers["Idempotency-Key"] for seen in target.seen} == {row.firing.id}


async def test_a_firing_whose_attempts_are_used_up_is_a_dead_letter_with_the_last_reason(
    run: Acting, target: Target, client: Web
) -> None:
    target.answer = answering(503)  # type: ignore[assignment]
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast(steps=2))
    run.outbox.put(a_firing(ref))
    await run.all_closed()
    (row,) = run.outbox.closed
    assert row.outcome is not None
    assert row.outcome.kind is OutcomeKind.DEAD_LETTERED
    assert row.outcome.reason.endswith("answered 503: said (attempt 2, the last)")
    assert len(target.seen) == len(row.attempts) == 2


@pytest.mark.parametrize("status", [400, 401, 404, 409, 422, 304])
async def test_a_refusal_is_not_repeated(run: Acting, target: Target, client: Web, status: int) -> None:
    target.answer = answering(status)  # type: ignore[assignment]
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast(steps=5))
    run.outbox.put(a_firing(ref))
    await run.all_closed()
    (row,) = run.outbox.closed
    assert row.outcome is not None
    assert row.outcome.kind is OutcomeKind.DEAD_LETTERED
    assert f"answered {status}" in row.outcome.reason
    assert len(target.seen) == 1


async def test_an_argo_manifest_without_a_retry_strategy_makes_one_attempt(run: Acting, target: Target, client: Web) -> None:
    target.answer = answering(500)  # type: ignore[assignment]
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), TriggerHead(), Dialect.ARGO)
    run.outbox.put(a_firing(ref))
    await run.all_closed()
    assert [row.outcome.kind for row in run.outbox.closed if row.outcome] == [OutcomeKind.DEAD_LETTERED]
    assert len(target.seen) == 1


async def test_policy_status_alone_decides_what_is_a_success(run: Acting, target: Target, client: Web) -> None:
    target.answer = answering(409)  # type: ignore[assignment]
    head = fast(policy=Policy(status=StatusPolicy(allow=[409])))
    allowed = run.armory.add("allowed", http_trigger({"url": target.url}, head=head, web=client), head)
    run.outbox.put(a_firing(allowed))
    await run.all_closed()
    target.answer = answering(200)  # type: ignore[assignment]
    refused = run.armory.add("refused", http_trigger({"url": target.url}, head=head, web=client), head)
    run.outbox.put(a_firing(refused, 2))
    await run.all_closed()
    kinds = [row.outcome.kind for row in run.outbox.closed if row.outcome]
    assert kinds == [OutcomeKind.SUCCEEDED, OutcomeKind.DEAD_LETTERED]


async def test_retry_after_is_a_floor_for_the_next_attempt(run: Acting, target: Target, client: Web) -> None:
    left = [web.Response(status=429, headers={"Retry-After": "1"}), web.Response(text="ok")]

    async def answer(request: web.Request) -> web.StreamResponse:
        return left.pop(0)

    target.answer = answer
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast())
    run.outbox.put(a_firing(ref))
    await run.all_closed()
    first, second = run.outbox.closed[0].attempts
    assert (second.started_us - first.ended_us) / 1e6 >= 0.99


async def test_a_429_holds_back_every_firing_of_its_trigger(run: Acting, target: Target, client: Web) -> None:
    times: list[float] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        times.append(time.monotonic())
        return web.Response(status=429, headers={"Retry-After": "1"}) if len(times) == 1 else web.Response(text="ok")

    target.answer = answer
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast(concurrency=1))
    run.outbox.put(*[a_firing(ref, n) for n in range(1, 6)])
    await run.all_closed()
    assert len(times) == 6
    assert times[1] - times[0] >= 0.95


async def test_a_hanging_target_times_out_and_is_tried_again(run: Acting, target: Target, client: Web) -> None:
    calls = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.sleep(30)
        return web.Response(text="ok")

    target.answer = answer
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast(timeout="200ms"))
    run.outbox.put(a_firing(ref))
    await run.all_closed()
    first, second = run.outbox.closed[0].attempts
    assert first.reason == "timed out after 0.2s"
    assert second.succeeded


async def test_a_target_that_acts_and_drops_the_connection_is_called_again_with_the_same_key(
    run: Acting, target: Target, client: Web
) -> None:
    async def drop(request: web.Request) -> web.StreamResponse:
        if len(target.seen) == 1:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(text="ok")

    target.answer = drop
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast())
    run.outbox.put(a_firing(ref))
    await run.all_closed()
    first, second = run.outbox.closed[0].attempts
    assert "ended before an answer" in first.reason
    assert second.succeeded
    assert len({seen.headers["Idempotency-Key"] for seen in target.seen}) == 1


async def test_nobody_listening_is_a_transient_failure_that_names_the_target(run: Acting, client: Web) -> None:
    async with a_target() as gone:
        url = gone.url
    ref = run.armory.add("call", http_trigger({"url": url}, web=client), fast(steps=2))
    run.outbox.put(a_firing(ref))
    await run.all_closed()
    (row,) = run.outbox.closed
    assert len(row.attempts) == 2
    assert row.attempts[0].reason.startswith(f"{url.removesuffix('/hook')}: cannot connect")


async def test_a_success_whose_body_never_ends_is_a_success(run: Acting, target: Target, client: Web) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(300):
            await response.write(b".")
            await asyncio.sleep(0.1)
        return response

    target.answer = drip
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast())
    run.outbox.put(a_firing(ref))
    await run.all_closed()
    (row,) = run.outbox.closed
    assert row.outcome is not None
    assert row.outcome.kind is OutcomeKind.SUCCEEDED
    assert row.attempts[0].ended_us - row.attempts[0].started_us < 5_000_000


@pytest.mark.parametrize("breaks", [False, True])
async def test_what_a_request_takes_from_a_large_event_by_a_query_is_searched_for_beside_the_loop(
    run: Acting, target: Target, client: Web, monkeypatch: pytest.MonkeyPatch, breaks: bool
) -> None:
    get, threads = GjsonPath.get, []

    def noted(path: GjsonPath, document: Document) -> Result:
        if path.plain is None:
            threads.append(threading.current_thread() is threading.main_thread())
        if breaks and not threads[-1]:
            raise ValueError("a fault of the search")
        return get(path, document)

    monkeypatch.setattr(GjsonPath, "get", noted)
    payload = [{"src": {"dependencyName": "push", "dataKey": '#(name=="last").n'}, "dest": "n"}]
    spec = {"url": target.url, "payload": payload}
    ref = run.armory.add("call", http_trigger(spec, web=client), fast(), searched=searched_by(spec))
    items = [{"name": f"n{n}"} for n in range(LARGE // 8)] + [{"name": "last", "n": 7}]
    run.views[1] = EventView(an_event(json.dumps(items).encode()))
    run.outbox.put(a_firing(ref, 1))
    await run.all_closed()
    assert json.loads(target.seen[0].body) == {"n": "7"}
    assert threads == ([False, True] if breaks else [False])


async def test_a_trigger_that_hangs_does_not_slow_down_the_others(run: Acting, target: Target, client: Web) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/hang":
            await asyncio.sleep(60)
        return web.Response(text="ok")

    target.answer = answer
    hang = {"url": target.url.replace("/hook", "/hang")}
    hanging = [run.armory.add(f"hang-{n}", http_trigger(hang, web=client), fast()) for n in range(12)]
    healthy = run.armory.add("healthy", http_trigger({"url": target.url}, web=client), fast())
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
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast(steps=5))
    first = a_firing(ref, 1, order_key="a")
    later = [a_firing(ref, n, order_key="a") for n in (2, 3)]
    others = [a_firing(ref, n, order_key="b") for n in (4, 5)]
    run.outbox.put(first, *later, *others)
    await run.all_closed()
    order = [seen.headers["Idempotency-Key"] for seen in target.seen]
    of_key = [key for key in order if key in {first.id, *(firing.id for firing in later)}]
    assert of_key == [first.id] * 3 + [firing.id for firing in later]
    assert order.index(others[1].id) < order.index(later[0].id)


async def test_an_unexpected_error_of_a_trigger_is_a_failed_attempt_and_the_dispatcher_goes_on(
    run: Acting, target: Target, client: Web
) -> None:
    class Faulty:
        timeout_s = None

        def render(self, bound: object) -> bytes:
            return b""

        async def fire(self, request: bytes, *, idempotency_key: str, chain: object) -> None:
            raise KeyError("shelf")

    broken = run.armory.add("broken", Faulty(), fast(steps=2))  # type: ignore[arg-type]
    healthy = run.armory.add("healthy", http_trigger({"url": target.url}, web=client), fast())
    run.outbox.put(a_firing(broken), a_firing(healthy, 2))
    await run.all_closed()
    rows = {row.firing.trigger.trigger: row for row in run.outbox.closed}
    assert [attempt.reason for attempt in rows["broken"].attempts] == ["KeyError: 'shelf'"] * 2
    assert rows["healthy"].attempts[0].succeeded


async def test_a_firing_whose_revision_is_gone_or_whose_event_is_gone_is_a_dead_letter(
    run: Acting, target: Target, client: Web
) -> None:
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast())
    run.views[7] = None  # type: ignore[assignment]
    run.outbox.put(a_firing(ref._replace(trigger="deleted")), a_firing(ref, 7))
    await run.all_closed()
    reasons = {row.outcome.reason for row in run.outbox.closed if row.outcome}
    assert reasons == {
        "no revision r1 of default/shop/deleted is kept",
        "the event 'e7' of dependency 'push' is no longer kept",
    }
    assert target.seen == []


async def test_a_parameter_without_a_value_is_a_dead_letter_that_names_it(run: Acting, target: Target, client: Web) -> None:
    payload = [{"src": {"dependencyName": "push", "dataKey": "nowhere"}, "dest": "x"}]
    ref = run.armory.add("call", http_trigger({"url": target.url, "payload": payload}, web=client), fast())
    run.outbox.put(a_firing(ref))
    await run.all_closed()
    (row,) = run.outbox.closed
    assert row.outcome is not None
    assert "payload[0]" in row.outcome.reason
    assert len(row.attempts) == 1


async def test_an_outcome_that_the_bus_cannot_take_is_recorded_later_without_acting_again(
    run: Acting, target: Target, client: Web
) -> None:
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast())
    run.outbox.down = {"close"}
    run.outbox.put(a_firing(ref))
    await until(lambda: len(target.seen) == 1)
    await asyncio.sleep(0.3)
    assert run.outbox.closed == []
    run.outbox.down = set()
    await run.all_closed()
    assert len(target.seen) == 1


async def test_work_goes_on_when_the_bus_that_gave_no_work_is_back(run: Acting, target: Target, client: Web) -> None:
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast())
    run.outbox.down = {"take"}
    run.outbox.put(a_firing(ref))
    await until(lambda: run.outbox.takes >= 3)
    run.outbox.down = set()
    await run.all_closed()
    assert len(target.seen) == 1


async def test_a_start_that_must_be_recorded_is_recorded_before_the_request_leaves(
    run: Acting, target: Target, client: Web
) -> None:
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast())
    run.outbox.down = {"started"}
    run.outbox.put(a_firing(ref, record_start=True))
    await asyncio.sleep(0.3)
    assert target.seen == []
    run.outbox.down = set()
    await run.all_closed()
    assert run.outbox.closed[0].started == [1]
    assert len(target.seen) == 1


async def test_a_rate_limit_spaces_the_attempts_and_no_other_trigger_waits(run: Acting, target: Target, client: Web) -> None:
    times: dict[str, list[float]] = {"/slow": [], "/hook": []}

    async def answer(request: web.Request) -> web.StreamResponse:
        times[request.path].append(time.monotonic())
        return web.Response(text="ok")

    target.answer = answer
    slow = {"url": target.url.replace("/hook", "/slow")}
    limited = run.armory.add("limited", http_trigger(slow, web=client), fast(rate_limit=RateLimit(requests_per_unit=5)))
    free = run.armory.add("free", http_trigger({"url": target.url}, web=client), fast())
    run.outbox.put(*[a_firing(limited, n) for n in range(1, 9)], *[a_firing(free, n) for n in range(101, 151)])
    await run.all_closed()
    # When each was started: how long a new connection takes to reach the target is no matter of the limit.
    rows = [row for row in run.outbox.rows.values() if row.firing.trigger == limited]
    slots = sorted(attempt.started_us / 1e6 for row in rows for attempt in row.attempts)
    assert slots[-1] - slots[0] >= 1.3
    assert max(sum(at <= slot < at + 0.7 for slot in slots) for at in slots) <= 5
    assert max(times["/hook"]) < max(times["/slow"])


async def test_the_canary_secret_is_sent_and_never_written_down(
    run: Acting, target: Target, client: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    canary = "canary-5fda1c"

    async def echo(request: web.Request) -> web.StreamResponse:
        return web.Response(status=500, text=f"bad: {dict(request.headers)}")

    target.answer = echo
    spec = {
        "url": target.url,
        "secureHeaders": [{"name": "X-Key", "valueFrom": {"secretKeyRef": {"name": "api", "key": "token"}}}],
        "basicAuth": {"password": {"name": "api", "key": "token"}},
    }
    trigger = http_trigger(spec, values=FixedValues({"api/token": canary.encode()}), web=client)
    ref = run.armory.add("call", trigger, fast(steps=2))
    run.outbox.put(a_firing(ref))
    await run.all_closed()
    assert target.seen[0].headers["X-Key"] == canary
    encoded = target.seen[0].headers["Authorization"].removeprefix("Basic ")
    (row,) = run.outbox.closed
    said = repr((row, trigger.show(row.request or b""))) + "".join(capsys.readouterr())
    assert "bad:" in said
    assert canary not in said
    assert encoded not in said
    assert "***" in said
    stored = b"".join(file.read_bytes() for file in (run.folder / "data").iterdir() if file.is_file())
    assert b"bad:" in stored
    assert canary.encode() not in stored
    assert encoded.encode() not in stored


async def test_stopping_lets_attempts_in_flight_end_and_gives_the_rest_back(target: Target, client: Web) -> None:
    release = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        await release.wait()
        return web.Response(text="ok")

    target.answer = answer
    async with acting(limits=ActingLimits(grace_s=10.0)) as run:
        ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast(concurrency=2))
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
        ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast())
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
        ref = run.armory.add("call", trigger, fast())
        run.outbox.down = {"close"}
        run.outbox.put(a_firing(ref))
        await until(lambda: len(target.seen) == 1)
    async with acting(folder=tmp_path) as again:
        again.armory.add("call", trigger, fast())
        await until(lambda: len(again.outbox.closed) == 1)
    first, second = target.seen
    assert first.body == second.body
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]


async def test_an_idle_dispatcher_sleeps(run: Acting) -> None:
    await asyncio.sleep(0.3)
    assert run.outbox.takes == 1


async def test_a_failing_target_writes_a_bounded_number_of_lines(
    run: Acting, target: Target, client: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    target.answer = answering(404)  # type: ignore[assignment]
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast())
    run.outbox.put(*[a_firing(ref, n) for n in range(1, 301)])
    began = time.monotonic()
    await run.all_closed()
    lines = [line for line in "".join(capsys.readouterr()).splitlines() if "Failed to execute a trigger" in line]
    assert 1 <= len(lines) <= 5 * (2 + time.monotonic() - began)


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
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast(concurrency=4))
    run.outbox.put(*[a_firing(ref, n) for n in range(1, 401)])
    await run.all_closed()
    assert peak == 4
    assert len(target.seen) == 400


CANCELLED = Outcome(kind=OutcomeKind.SKIPPED, reason="cancelled by the test")


async def test_a_cancelled_attempt_is_broken_off_and_recorded_with_what_it_had_sent(
    run: Acting, target: Target, client: Web
) -> None:
    async def hang(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    target.answer = hang
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast())
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

    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast())
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


class Stubborn:
    """A trigger that makes a failure of being cancelled, as some client libraries do."""

    timeout_s = None

    def __init__(self) -> None:
        self.fired = asyncio.Event()

    def render(self, bound: Bound) -> bytes:
        return b"{}"

    def show(self, request: bytes) -> dict[str, str]:
        return {}

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        self.fired.set()
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            raise TriggerUnavailable("the connection was lost") from None
        return Delivered()

    async def aclose(self) -> None:
        return None


async def test_a_trigger_that_fails_because_it_was_cancelled_is_not_tried_again(run: Acting) -> None:
    trigger = Stubborn()
    firing = a_firing(run.armory.add("call", trigger, fast()))
    run.outbox.put(firing)
    await trigger.fired.wait()
    assert await run.dispatcher.cancel(firing.id, CANCELLED)
    record = await run.bus.journal.firing(firing.id)
    assert record is not None
    assert (record.outcome, record.reason) == (OutcomeKind.SKIPPED, CANCELLED.reason)
    assert [attempt.reason for attempt in record.attempts] == ["the connection was lost"]


async def test_an_attempt_that_ends_first_ends_as_it_ended(run: Acting, target: Target, client: Web) -> None:
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), fast())
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


class Telling(Stubborn):
    """A trigger whose target says something."""

    async def fire(self, request: bytes, *, idempotency_key: str, chain: Chain | None = None) -> Delivered:
        return Delivered(detail="partition 0,\n offset 3 \udcff")
