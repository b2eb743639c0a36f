"""Durations and sizes as people write them on a command line: `7d`, `1d12h`, `10Gi`, `500M`."""

import re

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
BYTES = {"": 1} | {f"{unit}i": 1 << 10 * power for power, unit in enumerate("KMGTPE", 1)}
BYTES |= {unit: 1000**power for power, unit in enumerate("kMGTPE", 1)}
LONGEST_S = 1e10

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])", re.ASCII)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([A-Za-z]*)", re.ASCII)


def parse_age(text: str) -> float:
    """Seconds of a duration such as `7d` or `1h30m`, more than none. Raises `ValueError` saying what was expected."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration such as 7d, 12h or 1d12h; its units are w, d, h, m, s and ms")
    seconds = sum(float(number) * SECONDS[unit] for number, unit in parts)
    if not 0 < seconds < LONGEST_S:
        raise ValueError(f"{text!r} is not between 1ms and three centuries")
    return seconds


def parse_size(text: str) -> int:
    """Bytes of a quantity as Kubernetes writes them, such as `10Gi`, `500M` or `1000000`. Raises `ValueError`."""
    found = _SIZE.fullmatch(text)
    if found is None or found[2] not in BYTES:
        without = text.removesuffix("B").removesuffix("b")
        near = _SIZE.fullmatch(without)
        hint = f" (did you mean {without}?)" if without != text and near is not None and near[2] in BYTES else ""
        raise ValueError(f"{text!r} is no size such as 10Gi, 500Mi or 2G; its units are Ki, Mi, Gi, Ti and k, M, G, T{hint}")
    return int(float(found[1]) * BYTES[found[2]]) if "." in found[1] else int(found[1]) * BYTES[found[2]]
