"""Random questions about event sources that nobody calls: Kafka, gRPC, folders and calendars, from a seed."""

import json
import random
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from hook_cases import odd_or_plain_body

Json = dict[str, Any]

_METADATA = [{}, {"team": "a<b", "z": "1", "a": "é"}]
_NAMES = ["a.txt", "b.txt", "c.log", "é<.txt"]
# Not Lord Howe, whose clock changes by half an hour: the original then misses what is due when that has passed. Nor Apia, which
# left out a day: there it searches for ever.
_ZONES = [
    "",
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Adelaide",
    "Asia/Kathmandu",
    "Africa/Casablanca",
    "Antarctica/Troll",
]
_CHANGES = ["2024-03-09", "2024-03-30", "2024-04-06", "2024-10-05", "2024-10-26", "2024-11-02", "2017-10-14", "2018-02-16"]
"""Days before a clock is changed, somewhere."""


def source_cases(seed: int, count: int) -> Iterator[Json]:
    """Each one question, as the original's program is asked it."""
    chance = random.Random(f"sources {seed}")
    for _ in range(count):
        yield chance.choice([_record, _record, _message, _calendar, _calendar, _calendar, _files])(chance)


def _base64(raw: bytes) -> str:
    return b64encode(raw).decode()


def _record(chance: random.Random) -> Json:
    spec = {"url": chance.choice(["k:1", "k:1,l:2"]), "topic": chance.choice(["t", "a.b_c-d"]), "partition": "0"}
    spec |= {"jsonBody": chance.random() < 0.6, "metadata": chance.choice(_METADATA)}
    some = [b"", b"k", "é".encode(), b"\xff\xfe", b"\xe2\x82", b"\x00\x01", b"<&>"]
    headers = [[_base64(name), _base64(chance.choice(some))] for name in chance.choices([b"b", b"a", b"a<"], k=chance.randrange(4))]
    return {
        "record": {
            "kind": "kafka",
            "spec": spec,
            "key": chance.choice([None, _base64(chance.choice(some))]),
            "value": None if chance.random() < 0.1 else _base64(_value(chance)),
            "headers": headers,
            "partition": chance.randrange(3),
            "offset": chance.choice([0, 7, 1 << 40]),
            "timestamp": chance.choice([-1, 0, 1, 1714557600000, 1714557600123, 1714557600120, 253402300799999]),
        }
    }


def _message(chance: random.Random) -> Json:
    spec = {"url": "k:1", "config": "x", "jsonBody": chance.random() < 0.6, "metadata": chance.choice(_METADATA)}
    # Go has no bytes for a payload that is empty on the wire.
    return {"record": {"kind": "generic", "spec": spec, "value": _base64(value) if (value := _value(chance)) else None}}


def _value(chance: random.Random) -> bytes:
    return chance.choice([b"", b"\x00\xff", b"text"]) if chance.random() < 0.2 else odd_or_plain_body(chance)


def _calendar(chance: random.Random) -> Json:
    start = datetime.fromisoformat(chance.choice(_CHANGES)).replace(tzinfo=UTC) + timedelta(hours=chance.randrange(-3, 40))
    spec: Json = {"metadata": chance.choice(_METADATA)}
    if chance.random() < 0.1:
        hours = chance.choice([1, 2, 6])
        spec["interval"] = chance.choice([f"{hours}h", f"{hours * 60}m", f"{hours}h0m0s"])
        start = start.replace(hour=0)
    else:
        spec |= {"schedule": _schedule(chance), "timezone": chance.choice(_ZONES)}
        if chance.random() < 0.3 and "=" not in spec["schedule"]:
            days = [start + timedelta(days=chance.randrange(4)) for _ in range(chance.randrange(1, 3))]
            spec["exclusionDates"] = ["EXDATE:" + ",".join(f"{day:%Y%m%dT000000Z}" for day in days)]
    return {"calendar": {"spec": spec, "last": f"{start:%Y-%m-%d %H:%M:%S} +0000 UTC", "count": 4}}


def _schedule(chance: random.Random) -> str:
    minute = chance.choice(["0", "30", "*/15", "5-59/20", "0,30", "59", "*", "7/20", "?", "60", "5-1"] + ["0", "30"] * 4)
    hour = chance.choice(["*", "2", "1", "0", "3", "1-3", "*/2", "0,12", "23", "2/5", "24", "*/0"] + ["2", "1", "0"] * 3)
    day = chance.choice(["*"] * 6 + ["1", "31", "*/2", "?", "13,14", "L", "32"])
    month = chance.choice(["*"] * 8 + ["MAR-APR", "oct", "1/3", "13", "2"])
    weekday = chance.choice(["*"] * 6 + ["SUN", "1-5", "sat,sun", "?", "5", "7", "*/2", "FRI-MON"])
    fields = [minute, hour, day, month, weekday]
    if chance.random() < 0.03:
        fields = chance.choice([fields[:4], ["0", *fields]])
    prefix = chance.choice(["TZ=Asia/Tokyo ", "CRON_TZ=Europe/London "]) if chance.random() < 0.05 else ""
    return prefix + " ".join(fields)


def _files(chance: random.Random) -> Json:
    polling = chance.random() < 0.4
    names = chance.sample(_NAMES, 2)
    where = {"directory": "/FOLDER/", "path": names[0]} if not polling and chance.random() < 0.4 else None
    where = where or {
        "directory": "/FOLDER" if polling else chance.choice(["/FOLDER", "/FOLDER/"]),
        "pathRegexp": chance.choice(["txt$", "^/?[ab]", r"/.*\.txt", r"\.(txt|log)$"]),
    }
    event_type = chance.choice(["CREATE", "WRITE", "REMOVE", "RENAME", "CHMOD", "MOVE"])
    spec = {"eventType": event_type, "polling": polling, "watchPathConfig": where, "metadata": chance.choice(_METADATA)}
    return {"files": {"spec": spec, "steps": list(_steps(chance, names, over=event_type != "WRITE", renames=not polling))}}


def _steps(chance: random.Random, names: list[str], *, over: bool, renames: bool) -> Iterator[list[str]]:
    """What happens, so that each step is possible.

    Left out are renames where the original polls: it takes what is renamed for gone, or for nothing new. And renames over another
    file where writing counts: here that is written then, too.
    """
    there: list[str] = []
    modes = dict.fromkeys(names, "600")
    for _ in range(6):
        free = [name for name in names if name not in there]
        if not there or (free and chance.random() < 0.4):
            there.append(free[0])
            modes[free[0]] = "600"
            yield ["create", free[0]]
            continue
        name = chance.choice(there)
        match chance.choice(["write", "write", "remove", "chmod", "rename", "over"]):
            case "write":
                yield ["write", name, "x"]
            case "chmod":
                modes[name] = "640" if modes[name] == "600" else "600"
                yield ["chmod", name, modes[name]]
            case "remove":
                there.remove(name)
                yield ["remove", name]
            case "rename" if free and renames:
                there[there.index(name)] = free[0]
                modes[free[0]] = modes[name]
                yield ["rename", name, free[0]]
            case "over" if len(there) > 1 and over and renames:
                there.remove(name)
                modes[there[0]] = modes[name]
                yield ["rename", name, there[0]]


def lines(cases: list[Json], answers: list[Json]) -> Iterator[str]:
    """What is kept of them."""
    for case, answer in zip(cases, answers, strict=True):
        yield json.dumps({**case, "answer": {key: answer.get(key) for key in ("invalid", "error", "received")}})
