"""How an object says which firing made or changed it, and what it is called when nobody named it.

A repeat of a firing finds its own object by these, instead of making a second one.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from cluster.transport import Json

OURS = "tocsin.dev/"
FIRINGS = f"{OURS}firings"
"""Annotation: ids of the last firings that wrote the object, the latest first."""
EVENTS = f"{OURS}events"
"""Annotation: the events behind the last of them, each as SOURCE/NAME/ID."""
CORRELATION, HOPS = f"{OURS}correlation", f"{OURS}hops"
"""Annotations: where in a chain the last of them stands, so that what follows from the object can go on with it."""
KEPT = 8
MOST_EVENTS = 32
LONGEST_TEXT = 8192
SUFFIX = 10
"""Hexadecimal digits of the firing's id at the end of a generated name."""
LONGEST_NAME = 63

SENSOR_LABEL = "events.argoproj.io/sensor"
TRIGGER_LABEL = "events.argoproj.io/trigger"
TIME_LABEL = "events.argoproj.io/action-timestamp"


class Written(NamedTuple):
    """Who writes an object, and why."""

    firing: str
    events: tuple[str, ...] = ()
    correlation: str = ""
    hops: int = 0


_LABEL = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


def written_by(found: Json, firing: str) -> bool:
    """Whether `firing` has written the object already."""
    return firing in firings_of(found)


def firings_of(found: Json) -> tuple[str, ...]:
    """The firings that wrote the object last."""
    annotations = (found.get("metadata") or {}).get("annotations") or {}
    return tuple(filter(None, str(annotations.get(FIRINGS) or "").split(",")))


def annotations_of(found: Json | None, written: Written) -> dict[str, str]:
    """The annotations of the object once `written`, which is None where there was none."""
    former = [one for one in firings_of(found or {}) if one != written.firing]
    told = {FIRINGS: ",".join([written.firing, *former][:KEPT])}
    if written.events:
        more = [] if len(written.events) <= MOST_EVENTS else ["…"]
        told[EVENTS] = " ".join([*written.events[:MOST_EVENTS], *more])[:LONGEST_TEXT]
    if written.correlation:
        told |= {CORRELATION: written.correlation[:LONGEST_TEXT], HOPS: str(written.hops)}
    return told


def generated_name(prefix: str, firing: str) -> str:
    """The name that `firing` gives to what has a `generateName` only: the same in every attempt."""
    return f"{prefix[: LONGEST_NAME - SUFFIX]}{firing[:SUFFIX]}"


def labelled(body: Json, *, sensor: str, trigger: str, at_ms: int) -> dict[str, Any]:
    """`body` with the labels by which Argo Events marks what it makes; names that no label can hold are left out."""
    wanted = {SENSOR_LABEL: sensor, TRIGGER_LABEL: trigger, TIME_LABEL: str(at_ms)}
    fitting = {label: text for label, text in wanted.items() if _LABEL.fullmatch(text)}
    return with_metadata(body, "labels", fitting)


def marked(body: Json, found: Json | None, written: Written) -> dict[str, Any]:
    """`body` with the annotations that say who wrote it."""
    return with_metadata(body, "annotations", annotations_of(found, written))


def with_metadata(body: Json, field: str, values: Mapping[str, str]) -> dict[str, Any]:
    """A copy of `body` whose `metadata` has `values` among its `labels` or `annotations`."""
    metadata = body.get("metadata") or {}
    return {**body, "metadata": {**metadata, field: {**(metadata.get(field) or {}), **values}}}
