"""Random questions for the time filter, from a seed: zones around their changes of clocks, windows across midnight."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

ZONES = ["", "UTC", "Europe/Lisbon", "America/New_York", "Australia/Lord_Howe", "Asia/Singapore", "Asia/Kathmandu", "America/St_Johns", "Africa/Cairo", "EST", "Pacific/Apia", "Asia/Tehran", "Nowhere/Land", "PST"]
CHANGES = [
    datetime(2024, 3, 10, 7, tzinfo=UTC),
    datetime(2024, 11, 3, 6, tzinfo=UTC),
    datetime(2024, 3, 31, 1, tzinfo=UTC),
    datetime(2024, 10, 27, 1, tzinfo=UTC),
    datetime(2024, 10, 5, 15, 30, tzinfo=UTC),
    datetime(2024, 4, 6, 15, tzinfo=UTC),
    datetime(2011, 12, 30, 10, tzinfo=UTC),
    datetime(2024, 7, 5, 13, tzinfo=UTC),
]
ODD_CLOCKS = ["9:00:00", " 09:00:00", "  9:30:00", "09:00", "24:00:00", "23:59:60", "09:00:00.5", "09:00:00,25", "", "9:0:0", "23:59:59.999999999", "0:00:00"]
ODD_TIMES = ["0001-01-01T00:00:00Z", "2024-07-05T13:00:00.5Z", "2024-07-05T13:00:00.999999999+02:00", "2024-07-05T24:00:00Z", "2024-02-30T00:00:00Z", "nonsense", "2024-07-05 13:00:00Z", "1969-12-31T23:59:59Z"]


def window_cases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    for text in ODD_CLOCKS:
        yield _case(text, "17:00:00", "", "2024-07-05T09:00:00.3Z")
    for time in ODD_TIMES:
        for zone in ZONES:
            yield _case("09:00:00", "13:00:01", zone, time)
    chance = random.Random(seed)
    for _ in range(count):
        moment = chance.choice(CHANGES) + timedelta(minutes=chance.randrange(-2000, 2000), seconds=chance.choice([0, 0, 1, 59]))
        offset = chance.choice(["Z", "Z", "+02:00", "-05:00"])
        text = moment.strftime("%Y-%m-%dT%H:%M:%S") + chance.choice(["", "", ".5", ".000000001"]) + offset
        yield _case(_clock(chance), _clock(chance), chance.choice(ZONES), text)


def _clock(chance: random.Random) -> str:
    if chance.random() < 0.05:
        return chance.choice(ODD_CLOCKS)
    return f"{chance.choice([0, 1, 2, 2, 3, 6, 9, 13, 22, 23]):02d}:{chance.choice([0, 0, 15, 30, 59]):02d}:{chance.choice([0, 0, 30]):02d}"


def _case(start: str, stop: str, zone: str, time: str) -> dict[str, Any]:
    return {"engine": "window", "start": start, "stop": stop, "zone": zone, "time": time}
