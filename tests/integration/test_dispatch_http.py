"""The dispatcher against a real target that misbehaves: outcomes, retries, and the latency of everyone else."""

import asyncio
import json
import threading
import time

import pytest
from acting_fakes import Acting, FixedValues, Target, Telling, a_firing, a_target, an_event, answering, http_trigger, tried_fast
from aiohttp import web

from eventbus.firing import OutcomeKind
from manifests.objects import Dialect, Policy, StatusPolicy, TriggerHead
from sensors.bound import LARGE, EventView
from sensors.languages.document import Document
from sensors.languages.gjson import Path as GjsonPath
from sensors.languages.gjson import Result
from sensors.parameters.searched import searched_by
from sensors.web.client import Web


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
    ref = run.armory.add("call", http_trigger({"url": target.url, "payload": payload}, web=client), tried_fast())
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
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast(steps=2))
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
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast(steps=5))
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
    head = tried_fast(policy=Policy(status=StatusPolicy(allow=[409])))
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
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast())
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
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast(concurrency=1))
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
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast(timeout="200ms"))
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
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast())
    run.outbox.put(a_firing(ref))
    await run.all_closed()
    first, second = run.outbox.closed[0].attempts
    assert "ended before an answer" in first.reason
    assert second.succeeded
    assert len({seen.headers["Idempotency-Key"] for seen in target.seen}) == 1


async def test_nobody_listening_is_a_transient_failure_that_names_the_target(run: Acting, client: Web) -> None:
    async with a_target() as gone:
        url = gone.url
    ref = run.armory.add("call", http_trigger({"url": url}, web=client), tried_fast(steps=2))
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
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast())
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
    ref = run.armory.add("call", http_trigger(spec, web=client), tried_fast(), searched=searched_by(spec))
    items = [{"name": f"n{n}"} for n in range(LARGE // 8)] + [{"name": "last", "n": 7}]
    run.views[1] = EventView(an_event(json.dumps(items).encode()))
    run.outbox.put(a_firing(ref, 1))
    await run.all_closed()
    assert json.loads(target.seen[0].body) == {"n": "7"}
    assert threads == ([False, True] if breaks else [False])


async def test_an_unexpected_error_of_a_trigger_is_a_failed_attempt_and_the_dispatcher_goes_on(
    run: Acting, target: Target, client: Web
) -> None:
    class Faulty:
        timeout_s = None

        def render(self, bound: object) -> bytes:
            return b""

        async def fire(self, request: bytes, *, idempotency_key: str, chain: object) -> None:
            raise KeyError("shelf")

    broken = run.armory.add("broken", Faulty(), tried_fast(steps=2))  # type: ignore[arg-type]
    healthy = run.armory.add("healthy", http_trigger({"url": target.url}, web=client), tried_fast())
    run.outbox.put(a_firing(broken), a_firing(healthy, 2))
    await run.all_closed()
    rows = {row.firing.trigger.trigger: row for row in run.outbox.closed}
    assert [attempt.reason for attempt in rows["broken"].attempts] == ["KeyError: 'shelf'"] * 2
    assert rows["healthy"].attempts[0].succeeded


async def test_a_firing_whose_revision_is_gone_or_whose_event_is_gone_is_a_dead_letter(
    run: Acting, target: Target, client: Web
) -> None:
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast())
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
    ref = run.armory.add("call", http_trigger({"url": target.url, "payload": payload}, web=client), tried_fast())
    run.outbox.put(a_firing(ref))
    await run.all_closed()
    (row,) = run.outbox.closed
    assert row.outcome is not None
    assert "payload[0]" in row.outcome.reason
    assert len(row.attempts) == 1


async def test_a_start_that_must_be_recorded_is_recorded_before_the_request_leaves(
    run: Acting, target: Target, client: Web
) -> None:
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast())
    run.outbox.down = {"started"}
    run.outbox.put(a_firing(ref, record_start=True))
    await asyncio.sleep(0.3)
    assert target.seen == []
    run.outbox.down = set()
    await run.all_closed()
    assert run.outbox.closed[0].started == [1]
    assert len(target.seen) == 1


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
    ref = run.armory.add("call", trigger, tried_fast(steps=2))
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


async def test_a_failing_target_writes_a_bounded_number_of_lines(
    run: Acting, target: Target, client: Web, capsys: pytest.CaptureFixture[str]
) -> None:
    target.answer = answering(404)  # type: ignore[assignment]
    ref = run.armory.add("call", http_trigger({"url": target.url}, web=client), tried_fast())
    run.outbox.put(*[a_firing(ref, n) for n in range(1, 301)])
    began = time.monotonic()
    await run.all_closed()
    lines = [line for line in "".join(capsys.readouterr()).splitlines() if "Failed to execute a trigger" in line]
    assert 1 <= len(lines) <= 5 * (2 + time.monotonic() - began)
