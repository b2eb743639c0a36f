"""Replays with the real process: shown first, done on demand, gone on with after a kill, followed and cancelled."""

import signal
import subprocess
from pathlib import Path

from service_process import QUIET_ENV, TOCSIN, Service, Target, calling, free_port, running, sent, tocsin, webhook

SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: api}
stringData: {token: "sesame-7f3a"}
"""
HEADER = "          secureHeaders: [{name: X-Key, valueFrom: {secretKeyRef: {name: api, key: token}}}]\n"  # of the http trigger


def post(port: int, numbers: range) -> None:
    for n in numbers:
        sent(port, {"ref": "refs/heads/main", "n": n})


def live(service: Service, count: int) -> list[str]:
    """Wait until so many firings are closed; the ids of all events, oldest first."""
    service.wait_for("/api/v1/firings?limit=1000&state=succeeded", lambda page: len(page["items"]) == count)
    return [item["id"] for item in reversed(service.get("/api/v1/events?limit=1000")["items"])]


def keys(target: Target) -> list[str]:
    return [headers["Idempotency-Key"] for headers, _ in target.received]


def test_a_replay_is_shown_without_secrets_and_done_under_new_keys(tmp_path: Path) -> None:
    port = free_port()
    with Target().serving() as target:
        sensor = calling("deploy", f"http://127.0.0.1:{target.port}/", more=HEADER)
        (tmp_path / "m.yaml").write_text(f"{SECRET}---{webhook('hooks', port)}---{sensor}")
        with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
            data = ("--data", str(service.data))
            post(port, range(1))
            (event,) = live(service, 1)
            shown = tocsin("replay", event, *data)
            assert shown.returncode == 0, shown.stderr
            assert "would fire deploy/call on" in shown.stdout
            assert '"ref": "refs/heads/main"' in shown.stdout
            assert "***" in shown.stdout
            assert "sesame" not in shown.stdout + shown.stderr
            assert "nothing was done; --yes does it" in shown.stderr
            assert len(target.received) == 1
            done = service.cli("replay", event, "--yes", "--reason", "the target had lost it")
            assert (done["number"], done["state"], done["firings"]) == (1, "done", 1)
            assert "firings list --replay 1" in tocsin("replays", "show", "1", *data).stdout
            live(service, 2)
            assert len(set(keys(target))) == 2
            listed = tocsin("firings", *data).stdout
            assert "deploy/call (replay 1)" in listed
            firing = service.get("/api/v1/firings")["items"][0]
            why = tocsin("why", firing["id"], *data).stdout
            assert "decided again on purpose:" in why
            assert ": the target had lost it" in why
            assert "(replay 1)" in tocsin("trace", event, *data).stdout
            assert "call in replay 1" in tocsin("explain", event, *data).stdout
            for args in (["replay"], ["replay", event, "--from", "2026-01-01T00:00:00Z"], ["replay", event, "--limit", "0"]):
                assert tocsin(*args, *data).returncode == 2, args
            unknown = tocsin("replay", event, "--sensor", "deploi", "--yes", *data)
            assert (unknown.returncode, "no sensor 'deploi' is in force now" in unknown.stderr) == (1, True)
        stopped = tocsin("replay", event, "--yes", *data)
        assert (stopped.returncode, "needs a running service" in stopped.stderr) == (1, True)
        assert "would fire deploy/call" in tocsin("replay", event, *data).stdout
        assert service.cli("replays")["items"][0]["reason"] == "the target had lost it"


def test_a_replay_goes_on_after_a_kill_and_the_same_command_follows_it(tmp_path: Path) -> None:
    port, count = free_port(), 120
    with Target().serving() as target:
        (tmp_path / "m.yaml").write_text(f"{webhook('hooks', port)}---{calling('deploy', f'http://127.0.0.1:{target.port}/')}")
        command = ("replay", "--from", "2020-01-01T00:00:00Z", "--rate", "80", "--yes", "--data", str(tmp_path / "data"))
        with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
            post(port, range(count))
            live(service, count)
            assert tocsin(*command, "--detach").returncode == 0
        for part in (0.2, 0.5):
            # Edited in between: what is under way goes on by the revision that it began with.
            sensor = calling("deploy", f"http://127.0.0.1:{target.port}/edited-{part}")
            (tmp_path / "m.yaml").write_text(f"{webhook('hooks', port)}---{sensor}")
            with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
                service.wait_for("/api/v1/replays/1", lambda replay, part=part: replay["firings"] >= part * count)
                service.process.kill()
                service.process.wait(10)
        with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
            followed = tocsin(*command)
            assert followed.returncode == 0, followed.stderr
            assert "replay 1 is there already" in followed.stderr
            ended = service.get("/api/v1/replays/1")
            assert (ended["state"], ended["events"], ended["firings"]) == ("done", count, count)
            live(service, 2 * count)
            firings = service.get("/api/v1/firings?limit=1000")["items"]
            assert sorted(firing["replay"] for firing in firings) == [0] * count + [1] * count
            assert len(set(keys(target))) == 2 * count
            assert len({firing["revision"] for firing in firings}) == 1
            again = service.cli("firings", "list", "--replay", "1", "--limit", "1000")["items"]
            assert [item["id"] for item in again] == [item["id"] for item in firings if item["replay"]]
            assert service.cli("firings", "--replay", "1", "--state", "open")["items"] == []
            refused = tocsin("firings", "--replay", "first", "--data", str(service.data))
            assert (refused.returncode, "'first' is no number of a replay" in refused.stderr) == (2, True)
            assert [item["number"] for item in service.get("/api/v1/replays")["items"]] == [1]


def test_ctrl_c_cancels_a_replay(tmp_path: Path) -> None:
    port = free_port()
    with Target().serving() as target:
        (tmp_path / "m.yaml").write_text(f"{webhook('hooks', port)}---{calling('deploy', f'http://127.0.0.1:{target.port}/')}")
        with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
            post(port, range(20))
            live(service, 20)
            command = [*TOCSIN, "replay", "--from", "2020-01-01T00:00:00Z", "--rate", "2", "--yes", "--data", str(service.data)]
            # A test run in the background may have been told to ignore Ctrl-C, and would hand that on.
            command = ["env", "--default-signal=INT", *command]
            following = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=QUIET_ENV)
            try:
                service.wait_for("/api/v1/replays", lambda page: page["items"] and page["items"][0]["firings"] > 0)
                assert following.stderr is not None
                assert "replay 1 begins" in following.stderr.readline()
                following.send_signal(signal.SIGINT)
                out, err = following.communicate(timeout=20)
            finally:
                following.kill()
            assert following.returncode == 1, err
            assert "cancelled" in out
            cancelled = service.get("/api/v1/replays/1")
            assert (cancelled["state"], cancelled["firings"] < 20) == ("cancelled", True)
            again = tocsin("replays", "cancel", "1", "--data", str(service.data))
            assert (again.returncode, "replay 1 is cancelled" in again.stderr) == (1, True)
