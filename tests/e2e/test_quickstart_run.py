"""`make run` as a newcomer sees it: the quickstart starts, the printed request works, and the whole story can be asked for."""

import asyncio
import hashlib
import hmac
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from chaos.service import Service, free_port
from waiting import until

ROOT = Path(__file__).resolve().parents[2]
QUICKSTART = ROOT / "examples" / "quickstart"
EXAMPLES = sorted({path.parent for path in (ROOT / "examples").rglob("*.yaml")})
TOCSIN = [sys.executable, "-m", "tocsin"]


def tocsin(*arguments: str, code: int = 0) -> str:
    done = subprocess.run([*TOCSIN, *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == code, done.stderr + done.stdout
    return done.stdout


def copy_on_free_ports(folder: Path) -> tuple[Path, int]:
    """A copy of the quickstart on ports of its own, and the port of the webhook."""
    ports = {"12000": free_port(), "12001": free_port()}
    copy = folder / "quickstart"
    (copy / "request").mkdir(parents=True)
    for name in ("manifests.yaml", "request/push.json", "request/send.py"):
        text = (QUICKSTART / name).read_text()
        for port, own in ports.items():
            text = text.replace(port, str(own))
        (copy / name).write_text(text)
    return copy, ports["12000"]


def send(copy: Path, *options: str) -> dict[str, Any]:
    """Run the request that the quickstart prints, as a shell does."""
    line = subprocess.run(
        [sys.executable, copy / "request" / "send.py", *options], capture_output=True, text=True, check=True, timeout=20
    ).stdout
    assert line.count("\n") == 1
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=20, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


async def until_done(service: Service, session: aiohttp.ClientSession) -> None:
    async def done() -> bool:
        return not await service.work_left(session)

    await until(done, every_s=0.02)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_example_is_valid(example: Path) -> None:
    """Some need a Secret that is the reader's own, and say so."""
    found = json.loads(tocsin("validate", str(example), "-o", "json"))
    assert [problem for problem in found["problems"] if "it has to come from elsewhere" not in problem["message"]] == []


def test_who_waits_for_a_service_that_ended_says_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait(20)
        done = subprocess.run(
            [sys.executable, QUICKSTART / "request" / "send.py", "--when-ready", "--of", str(ended.pid)],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_printed_signature_is_the_one_that_github_would_send() -> None:
    line = subprocess.run(
        [sys.executable, QUICKSTART / "request" / "send.py"], capture_output=True, text=True, check=True, timeout=20
    ).stdout
    body = (QUICKSTART / "request" / "push.json").read_bytes()
    digest = hmac.new(b"quickstart-only-not-a-secret", body, hashlib.sha256).hexdigest()
    assert f"X-Hub-Signature-256: sha256={digest}" in line
    assert len(set(re.findall(r"X-GitHub-Delivery: (\S+)'", line))) == 1


async def test_a_pasted_push_is_answered_with_its_id_and_can_be_followed_to_the_end(tmp_path: Path) -> None:
    copy, _ = copy_on_free_ports(tmp_path)
    data = str(tmp_path / "data")
    service = Service(copy, tmp_path / "data", tmp_path / "service.log")
    try:
        await service.start()
        async with aiohttp.ClientSession() as session:
            await service.ready(session)
            event = (await asyncio.to_thread(send, copy))["id"]
            other = (await asyncio.to_thread(send, copy, "--ref", "refs/heads/dev"))["id"]
            await until_done(service, session)
            firings = [item async for item in service.items(session, "firings")]
            events = [item async for item in service.items(session, "events")]
        assert {item["id"] for item in events} >= {event, other}
        assert [(item["sensor"], item["state"]) for item in firings] == [("announce", "succeeded"), ("deploy-main", "succeeded")]
        call = firings[1]["id"]
        assert await service.stop() == 0
    finally:
        await service.end()
    trace = tocsin("trace", event, "--data", data)
    assert "deploy-main" in trace
    assert "call-deploy" in trace
    why = tocsin("why", call, "--data", data)
    assert event in why
    assert "6113728f27ae82c7b1a177c8d03f9e96e0adf246" in why
    assert "refs/heads/dev" in tocsin("explain", other, "--data", data)


async def test_a_tampered_push_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    copy, port = copy_on_free_ports(tmp_path)
    service = Service(copy, tmp_path / "data", tmp_path / "service.log")
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": "1",
        "X-Hub-Signature-256": "sha256=00",
    }
    try:
        await service.start()
        async with aiohttp.ClientSession() as session:
            await service.ready(session)
            async with session.post(f"http://127.0.0.1:{port}/push", data=b"{}", headers=headers) as answer:
                assert answer.status == 401
            assert [item async for item in service.items(session, "events")] == []
        assert await service.stop() == 0
    finally:
        await service.end()


async def test_the_same_delivery_twice_is_one_event_and_one_firing(tmp_path: Path) -> None:
    copy, _ = copy_on_free_ports(tmp_path)
    service = Service(copy, tmp_path / "data", tmp_path / "service.log")
    line = subprocess.run(
        [sys.executable, copy / "request" / "send.py"], capture_output=True, text=True, check=True, timeout=20
    ).stdout
    try:
        await service.start()
        async with aiohttp.ClientSession() as session:
            await service.ready(session)
            answers = [
                await asyncio.to_thread(
                    subprocess.run, ["bash", "-c", line], capture_output=True, text=True, timeout=20, check=True
                )
                for _ in range(2)
            ]
            await until_done(service, session)
            firings = [item async for item in service.items(session, "firings")]
        assert answers[0].stdout == answers[1].stdout
        assert [item["sensor"] for item in firings] == ["announce", "deploy-main"]
        assert await service.stop() == 0
    finally:
        await service.end()
