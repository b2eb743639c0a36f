"""A hundred healthy rules beside one that would take the machine for itself, in each language.

Measured once the service has cut the rule off three times and gives it less time; the longest it took is of the time before.
"""

import json
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from benchmarks import declare
from benchmarks.accepting import Figures
from benchmarks.acting import MAIN
from benchmarks.declare import Object, http_trigger, log_trigger, on_ref, sensor, source
from benchmarks.neighbours import BUSY_MS, RATE, Rig, others, sending
from benchmarks.processes import free_port, get, load
from benchmarks.scale import Scale
from benchmarks.service import helper, running, work_folder
from benchmarks.table import Row
from sensors.erring import HURRIED_AFTER

HEALTHY = 100
HOSTILE_RATE = 5
"""Events a second on which the hostile rule is asked."""
CUT_OFF_MS = 100.0
LOOP = "{{ range until 100000 }}{{ range until 100000 }}x{{ end }}{{ end }}"
CATASTROPHE = '{{ range until 10000 }}{{ regexMatch "(a+)+$b" $.Input }}{{ end }}'
RULES: Mapping[str, Mapping[str, Any]] = {
    "Lua, an endless loop": {"filters": {"script": "while true do end"}},
    "Lua, a catastrophic pattern": {"filters": {"script": "return event.body.pad:match('(.-)(.-)(.-)(.-)b')"}},
    "Lua, a memory bomb": {"filters": {"script": "local t = {} for i = 1, 1e7 do t[i] = {event.body.pad .. i} end"}},
    "jq, an endless loop": {"transform": {"jq": "def f: f; f"}},
    "jq, a memory bomb": {"transform": {"jq": '{a: (.body.pad | gsub("x"; "' + "b" * 10_000 + '"))}'}},
    "templates, an endless loop": {
        "filters": {"data": [{"path": "body.pad", "type": "string", "value": ["^n$"], "template": LOOP}]}
    },
    "templates, a slow pattern": {
        "filters": {"data": [{"path": "body.pad", "type": "string", "value": ["^n$"], "template": CATASTROPHE}]}
    },
    "expressions, a text that grows": {
        "filters": {"exprs": [{"expr": " + ".join(["s"] * 5000) + " == 5", "fields": [{"name": "s", "path": "body.pad"}]}]}
    },
    "paths, escapes of escapes": {"filters": {"data": [{"path": "@this" + "|@tostr" * 24, "type": "string", "value": ["^n$"]}]}},
}


def hostile(scale: Scale) -> list[Row]:
    """The healthy ones alone, then beside each of the others, in one service."""
    quiet, ports = free_port(), [free_port() for _ in RULES]
    with helper("target") as (_, target), work_folder() as folder:
        manifests = declare.write(folder / "manifests", _objects(quiet, ports, target))
        with running(manifests, folder) as service:
            rig = Rig(service, folder / "service.log", quiet, 0, target)
            load(quiet, count=3 * RATE, rate=RATE, seconds=3, connections=4)
            service.drain()
            alone = others(rig, scale.paced_seconds, nullcontext())
            return [_beside(rig, alone, number, port, scale) for number, port in enumerate(ports)]


def _objects(quiet: int, ports: list[int], target: int) -> list[Object]:
    healthy = [
        sensor(
            f"healthy-{n}",
            [on_ref("main", MAIN if n == 0 else f"^refs/heads/branch-{n}$")],
            [http_trigger("call", f"http://127.0.0.1:{target}/act", "main")],
        )
        for n in range(HEALTHY)
    ]
    bad = [
        sensor(f"hostile-{n}", [on_ref("main", MAIN, source_name=f"noise-{n}") | rule], [log_trigger("never")])
        for n, rule in enumerate(RULES.values())
    ]
    sources = [source(f"noise-{n}", {"push": ("/push", port)}) for n, port in enumerate(ports)]
    return [source("hooks", {"push": ("/push", quiet)}), *healthy, *sources, *bad]


def _beside(rig: Rig, alone: Figures, number: int, port: int, scale: Scale) -> Row:
    name = list(RULES)[number]
    seconds = scale.paced_seconds
    with sending(port, rate=HOSTILE_RATE, seconds=seconds + 90):
        rig.service.process.wait_for(lambda: _errors(rig, f"hostile-{number}") >= HURRIED_AFTER, "errors of the hostile rule")
        beside = others(rig, seconds, nullcontext())
    errors = _errors(rig, f"hostile-{number}")
    parts = [f"{what} p99 {alone[f'{key}_p99_ms']:.1f} → {beside[f'{key}_p99_ms']:.1f} ms" for key, what in _PARTS.items()]
    kept = all(beside[f"{key}_p99_ms"] <= max(BUSY_MS, 2 * alone[f"{key}_p99_ms"]) for key in _PARTS)
    longest = _longest_ms(rig, f"hostile-{number}")
    return Row(
        measure=f"{HEALTHY} healthy rules beside a hostile one: {name}",
        result=f"{', '.join(parts)}; {errors} errors, the longest {longest or 'below 20'} ms",
        goal=f"p99 at most doubles; cut off within {CUT_OFF_MS:.0f} ms and named",
        met=kept and errors > 0 and longest <= CUT_OFF_MS,
        figures={f"alone_{key}": value for key, value in alone.items()} | beside | {"errors": errors, "longest_ms": longest},
    )


_PARTS = {"accept": "accepted", "act": "acted"}


def _errors(rig: Rig, name: str) -> int:
    """Events on which the rule of the sensor `name` failed, as the service counts them."""
    shown = json.loads(get(f"{rig.service.api}/api/v1/sensors/{name}") or b"{}")
    return sum(dependency["errors"] for dependency in shown["dependencies"])


def _longest_ms(rig: Rig, name: str) -> int:
    """The longest that the service says it took for one event; 0 where it does not name it as slow."""
    told = json.loads(get(f"{rig.service.api}/readyz") or b"{}")
    reasons = [
        one["reason"] for one in told.get("degraded", ()) if f"/{name}" in json.dumps(one) and "took up to" in one["reason"]
    ]
    return max((int(reason.split("took up to ")[1].split(" ms")[0]) for reason in reasons), default=0)
