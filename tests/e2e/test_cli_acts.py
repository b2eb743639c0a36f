"""Dead letters dropped and redriven, open firings cancelled, by the commands on a running service."""

import threading
from pathlib import Path

from service_process import Service, Target, calling, free_port, running, sent, tocsin, webhook


def post(port: int, count: int) -> None:
    for n in range(count):
        sent(port, {"ref": "refs/heads/main", "n": n})


def states(service: Service) -> list[str]:
    return [item["state"] for item in service.get("/api/v1/firings?limit=1000")["items"]]


def test_dead_letters_are_chosen_by_a_filter_and_dropped_with_a_reason(tmp_path: Path) -> None:
    port = free_port()
    with Target().serving() as target:
        target.status = 400
        url = f"http://127.0.0.1:{target.port}/"
        (tmp_path / "m.yaml").write_text(f"{webhook('hooks', port)}---{calling('deploy', url)}---{calling('announce', url)}")
        with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
            post(port, 3)
            service.wait_for("/api/v1/dead-letters", lambda page: len(page["items"]) == 6)
            data = ("--data", str(service.data))
            for usage in ((), ("--all", "0123456789")):
                assert tocsin("dead-letters", "drop", *usage, *data).returncode == 2
            asked = tocsin("dead-letters", "drop", "--sensor", "deploy", *data)
            assert asked.returncode == 1
            assert "3 of deploy/call" in asked.stderr
            assert "drop 3 dead letters with --yes" in asked.stderr
            assert states(service).count("dead-lettered") == 6
            dropped = tocsin("dead-letters", "drop", "--sensor", "deploy", "--yes", "--reason", "no such host", *data)
            assert dropped.returncode == 0, dropped.stderr
            assert dropped.stdout.count("was dropped") == 3
            (kept,) = {item["reason"].split("; ")[0] for item in service.cli("firings", "--state", "skipped")["items"]}
            assert kept.endswith(": no such host")
            target.status = 200
            again = service.cli("dead-letters", "redrive", "--all", "--yes")
            assert len(again["redriven"]) == 3
            service.wait_for("/api/v1/firings?state=succeeded", lambda page: len(page["items"]) == 3)
            nothing = tocsin("dead-letters", "redrive", "--all", *data)
            assert (nothing.returncode, nothing.stdout) == (0, "nothing to do\n")
            assert "there is no dead letter" in nothing.stderr


def test_an_open_firing_is_cancelled_also_during_its_attempt_and_not_repeated_after_a_kill(tmp_path: Path) -> None:
    port, going = free_port(), threading.Event()
    with Target().serving(going) as target:
        url = f"http://127.0.0.1:{target.port}/"
        (tmp_path / "m.yaml").write_text(f"{webhook('hooks', port)}---{calling('deploy', url)}")
        with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
            post(port, 1)
            (firing,) = service.wait_for("/api/v1/firings", lambda page: bool(page["items"] and target.received))["items"]
            done = tocsin("firings", "cancel", firing["id"][:8], "--reason", "by mistake", "--data", str(service.data))
            assert done.returncode == 0, done.stderr
            assert done.stdout == f"{firing['id']} was cancelled during attempt 1; the target may have acted\n"
            again = tocsin("firings", "cancel", firing["id"], "--data", str(service.data))
            assert again.returncode == 1
            assert "not open: it is skipped" in again.stderr
            service.process.kill()
            service.process.wait(10)
        going.set()
        with running(str(tmp_path / "m.yaml"), data=tmp_path / "data") as service:
            shown = service.cli("firings", "show", firing["id"])
            assert shown["state"] == "skipped"
            assert shown["reason"].endswith(": by mistake")
            assert len(target.received) == 1
        stopped = tocsin("firings", "cancel", "--all", "--yes", "--data", str(tmp_path / "data"))
        assert stopped.returncode == 1
        assert "needs a running service" in stopped.stderr
