"""Questions to a long history: how long each kind of answer takes over the API."""

import http.client
import json
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from benchmarks.figures import percentile
from benchmarks.filling import SENSORS, SOURCES, Folder, event_id, fill
from benchmarks.scale import Scale
from benchmarks.service import Service, running, work_folder
from benchmarks.table import Row

Ask = Callable[[random.Random], str]
GOAL_MS = 100.0


def history(scale: Scale) -> list[Row]:
    """Every kind of question to a folder with a long history; the row names the slowest."""
    with work_folder() as folder:
        filled = fill(folder, scale.history, decided=True)
        size = sum(file.stat().st_size for file in filled.data.iterdir()) / filled.events
        with running(filled.manifests, folder, timeout_s=120) as service:
            times = _asked(service, filled, scale.questions)
    worst = max(times, key=lambda name: times[name][1])
    slowest = ", ".join(f"{name} {p99:.0f}" for name, (_, p99) in sorted(times.items(), key=lambda item: -item[1][1])[:4])
    return [
        Row(
            measure=f"explain, why, trace, lists with filters over {filled.events:,} events",
            result=f"slowest p99: {slowest} ms",
            goal="p99 ≤ 100 ms",
            met=times[worst][1] <= GOAL_MS,
            figures={
                f"{name} {which}": ms for name, both in times.items() for which, ms in zip(("p50", "p99"), both, strict=True)
            },
        ),
        Row(
            measure="1 KiB event with its firing, attempt, request and outcome, on disk",
            result=f"{size:,.0f} bytes",
            goal="≤ 1.6 KiB",
            met=size <= 1.6 * 1024,
            figures={"bytes": size},
        ),
    ]


def _questions(filled: Folder, firings: list[str], times: tuple[float, float]) -> dict[str, Ask]:
    first, last = times

    def some_event(dice: random.Random) -> str:
        return event_id(dice.randrange(filled.events))

    def between(dice: random.Random) -> str:
        start = dice.uniform(first, last)
        return f"after={_time(start)}&before={_time(start + (last - first) / 1000)}"

    sensor = lambda dice: f"sensor=sensor-{dice.randrange(SENSORS)}"  # noqa: E731
    source = lambda dice: f"source=hooks-{dice.randrange(SOURCES)}"  # noqa: E731
    return {
        "events": lambda dice: "events",
        "events by namespace": lambda dice: "events?namespace=default",
        "events by source": lambda dice: f"events?{source(dice)}",
        "events by name": lambda dice: "events?name=push",
        "events by type": lambda dice: "events?type=webhook",
        "events by time": lambda dice: f"events?{between(dice)}",
        "events by source and time": lambda dice: f"events?{source(dice)}&{between(dice)}",
        "event": lambda dice: f"events/{some_event(dice)}",
        "event that is not there": lambda dice: f"events/{dice.randrange(1 << 60)}",
        "firings": lambda dice: "firings",
        "firings by sensor": lambda dice: f"firings?{sensor(dice)}",
        "firings by trigger": lambda dice: "firings?trigger=call",
        "firings by time": lambda dice: f"firings?{between(dice)}",
        "firings by sensor and time": lambda dice: f"firings?{sensor(dice)}&{between(dice)}",
        "succeeded": lambda dice: "firings?state=succeeded",
        "succeeded by sensor": lambda dice: f"firings?state=succeeded&{sensor(dice)}",
        "dead letters": lambda dice: "dead-letters",
        "dead letters by sensor": lambda dice: f"dead-letters?{sensor(dice)}",
        "dead letters by time": lambda dice: f"dead-letters?{between(dice)}",
        "failed, of which there are none": lambda dice: "firings?state=failed",
        "open": lambda dice: "firings?state=open",
        "open by sensor": lambda dice: f"firings?state=open&{sensor(dice)}",
        "firing": lambda dice: f"firings/{dice.choice(firings)}",
        "firing by prefix": lambda dice: f"firings/{dice.choice(firings)[:12]}",
        "explain": lambda dice: f"explain?id={some_event(dice)}",
        "why": lambda dice: f"why?id={dice.choice(firings)}",
        "trace": lambda dice: f"trace?id={some_event(dice)}",
        "metrics": lambda dice: "/metrics",
    }


def _asked(service: Service, filled: Folder, count: int) -> dict[str, tuple[float, float]]:
    """Each kind of question `count` times: median and 99th percentile, in milliseconds."""
    dice = random.Random(1)
    connection = http.client.HTTPConnection(urlsplit(service.api).netloc, timeout=60)
    firings = []
    for _ in range(count):
        trace = json.loads(_get(connection, f"trace?id={event_id(dice.randrange(filled.events))}"))
        firings += [branch["firing"]["id"] for branch in trace["firings"]]
    ends = [json.loads(_get(connection, f"events/{event_id(number)}"))["received"] for number in (0, filled.events - 1)]
    span = (_seconds(ends[0]), _seconds(ends[1]))
    found = {}
    for name, ask in _questions(filled, firings, span).items():
        times = []
        for _ in range(count):
            path = ask(dice)
            began = time.perf_counter()
            _get(connection, path)
            times.append(1000 * (time.perf_counter() - began))
        times.sort()
        found[name] = (percentile(times, 50), percentile(times, 99))
    # A page deep in a list costs what the first one costs: the cursor names a place, and nothing is counted off.
    found["events, page after page"] = _deep(connection, count)
    return found


def _deep(connection: http.client.HTTPConnection, count: int) -> tuple[float, float]:
    times, cursor = [], ""
    for _ in range(count):
        began = time.perf_counter()
        page = json.loads(_get(connection, f"events?limit=100{cursor}"))
        times.append(1000 * (time.perf_counter() - began))
        cursor = f"&cursor={quote(page['next'])}" if page["next"] else ""
    times.sort()
    return percentile(times, 50), percentile(times, 99)


def _get(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path if path.startswith("/") else f"/api/v1/{path}")
    answer = connection.getresponse()
    body = answer.read()
    if answer.status not in (200, 404):
        raise RuntimeError(f"{path}: {answer.status} {body[:500]!r}")
    return body


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _time(seconds: float) -> str:
    return quote(datetime.fromtimestamp(seconds, UTC).isoformat())
