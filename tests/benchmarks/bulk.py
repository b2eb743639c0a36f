"""`simulate` and `validate` on many manifests and events, as a desk or a pipeline runs them: start of the process included."""

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import orjson

from benchmarks import declare
from benchmarks.declare import Object
from benchmarks.processes import ROOT, environment
from benchmarks.scale import Scale
from benchmarks.service import TOCSIN, work_folder
from benchmarks.table import Row

SENSORS, EVENTS, ROADS = 1_000, 10_000, 100
"""Ten sensors look at each event, and one matches."""
PARTS: tuple[Object, ...] = (
    {},
    {
        "filters": {
            "exprs": [{"expr": "n > 5 && s == 'x'", "fields": [{"name": "n", "path": "body.n"}, {"name": "s", "path": "s"}]}]
        }
    },
    {"transform": {"jq": '{body: .body, lane: (.body.ref | split("/") | last)}'}},
    {"filters": {"script": "if event.body.n > 5 then return true end return false"}},
    {"filters": {"time": {"start": "08:00:00", "stop": "18:00:00", "timezone": "Europe/Lisbon"}, "context": {"type": "webhook"}}},
)
"""What the sensors that are checked are made of, each in turn."""


def sensors(parts: Sequence[Object] = ({},)) -> list[Object]:
    """Sensors for one branch each, `ROADS` event names among them, with a trigger that has two parameters."""
    made = []
    for number in range(SENSORS):
        dependency = declare.on_ref("push", f"^refs/heads/branch-{number}$") | {"eventName": f"push-{number % ROADS}"}
        dependency |= parts[number % len(parts)]
        trigger = declare.http_trigger("call", "https://deploy.example.net/start", "push", "push")
        made.append(declare.sensor(f"sensor-{number}", [dependency], [trigger]))
    return made


def event(number: int) -> Object:
    """A push of 1 KiB to one branch."""
    branch = number * 7 % SENSORS
    body = {"ref": f"refs/heads/branch-{branch}", "seq": number, "sent": 0, "pad": "x" * 900}
    return {
        "specversion": "1.0",
        "id": str(number),
        "source": "hooks",
        "subject": f"push-{branch % ROADS}",
        "type": "webhook",
        "datacontenttype": "application/json",
        "data": {"header": {"Content-Type": ["application/json"]}, "body": body},
    }


def bulk(scale: Scale) -> list[Row]:
    """Both commands, as often as there are rounds."""
    return [_simulate(scale), _validate(scale)]


def _simulate(scale: Scale) -> Row:
    with work_folder() as folder:
        manifests = declare.write(folder / "manifests", sensors())
        events = folder / "events.jsonl"
        events.write_bytes(b"\n".join(orjson.dumps(event(number)) for number in range(EVENTS)))
        times = [_run("simulate", manifests, "--events", str(events)) for _ in range(scale.rounds)]
        found = orjson.loads(_output("simulate", manifests, "--events", str(events)))
    if len(found["firings"]) != EVENTS:
        raise RuntimeError(f"{len(found['firings'])} firings of {EVENTS} events: each must match one sensor")
    verdicts = len(found["verdicts"])
    what = f"`simulate` of {EVENTS:,} events over {SENSORS:,} sensors ({verdicts:,} verdicts)"
    return _row(what, times, goal_s=5.0)


def _validate(scale: Scale) -> Row:
    with work_folder() as folder:
        manifests = folder / "manifests"
        manifests.mkdir()
        (manifests / "hooks.yaml").write_bytes(
            orjson.dumps(declare.source("hooks", {f"push-{n}": (f"/push-{n}", 12000) for n in range(ROADS)}))
        )
        for number, one in enumerate(sensors(PARTS)):
            (manifests / f"sensor-{number:04d}.yaml").write_bytes(orjson.dumps(one, option=orjson.OPT_INDENT_2))
        times = [_run("validate", manifests) for _ in range(scale.rounds)]
    return _row(f"`validate` of {SENSORS:,} manifests", times, goal_s=3.0)


def _run(command: str, manifests: Path, *more: str) -> float:
    began = time.monotonic()
    _output(command, manifests, *more)
    return time.monotonic() - began


def _output(command: str, manifests: Path, *more: str) -> bytes:
    line = [*TOCSIN, command, str(manifests), *more, "-o", "json"]
    done = subprocess.run(line, capture_output=True, check=False, timeout=300, cwd=ROOT, env=environment())
    if done.returncode:
        raise RuntimeError(f"{command} ended with {done.returncode}: {(done.stdout + done.stderr)[-2000:].decode()}")
    return done.stdout


def _row(measure: str, times: list[float], *, goal_s: float) -> Row:
    own = median(times)
    return Row(
        measure=measure,
        result=f"{own:.2f} s ({min(times):.2f}–{max(times):.2f})",
        goal=f"≤ {goal_s:.0f} s",
        met=own <= goal_s,
        figures={"seconds": own},
    )
