"""Random filters of event sources and data, from a seed, and what ours make of them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from eventbus.event import Event
from expr_cases import expr_cases
from tocsin.source_filter import BadFilter, compile_filter, refusal

Json = dict[str, Any]
NOW = datetime(2024, 7, 5, 13, 0, tzinfo=UTC)
ODD_NAMES: Json = {"dotted.key": 1, "dotted.other-x": "v", "my-dash": True, "a.b": 5, "asInt": 1, "sprig": "shadowed"}


def source_filter_cases(seed: int, count: int) -> Iterator[Json]:
    """An expression and the data it is asked about; every third has members of odd names."""
    for number, case in enumerate(expr_cases(seed, count)):
        text = case["expression"]
        # The original takes what stands left of a `findLastIndex` for true or false, and says that it cannot be compared.
        if text.strip() and "findLastIndex" not in text:
            yield {"filter": text, "data": case["data"] | (ODD_NAMES if number % 3 == 0 else {})}


def passes_here(case: Json) -> bool:
    """Whether the data passes the filter here. One that is refused when it is declared lets nothing pass."""
    event = Event(namespace="n", source="s", name="e", id="1", type="t", time=None, data=json.dumps(case["data"]).encode())
    try:
        return refusal(compile_filter(case["filter"]), event, NOW) == ""
    except BadFilter:
        return False
