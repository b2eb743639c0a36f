"""Leaving out of a captured scenario what does not come out the same twice: times and other accidents in requests."""

from collections.abc import Sequence
from typing import Any

from manifests.words import path_of
from tocsin.scenarios.comparing import ABSENT
from tocsin.views import Json


def relax(scenario: Json, failures: Sequence[Json]) -> list[str]:
    """Take the parts of requests that `failures` name out of what `scenario` expects; what was taken out, for people.

    Everything else that failed is left as it is.
    """
    left_out: dict[str, None] = {}
    for failure in failures:
        path = path_of(failure["path"])
        if path[:3] != ("spec", "expect", "firings") or len(path) != 4:
            continue
        firing = scenario["spec"]["expect"]["firings"][path[3]]
        for one in failure["differences"]:
            if one["path"].split(".")[0].split("[")[0] == "request" and one["expected"] != ABSENT:
                _remove(firing, path_of(one["path"]))
                left_out[f"{firing['trigger']}: {one['path']}"] = None
    return list(left_out)


def _remove(value: Any, path: Sequence[str | int]) -> None:
    """Remove what stands at `path`, or the nearest key above it: lists are compared whole."""
    last = max(index for index, part in enumerate(path) if isinstance(part, str))
    for part in path[:last]:
        try:
            value = value[part]
        except (KeyError, IndexError):  # something above it went before
            return
    value.pop(path[last], None)
