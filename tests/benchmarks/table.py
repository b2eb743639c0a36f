"""What a run measured, as a table for people and JSON for programs."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measure. `met` is None where the goal is not a number of this run."""

    measure: str
    result: str
    goal: str
    met: bool | None
    figures: Mapping[str, float] = field(default_factory=dict)


def markdown(rows: Sequence[Row]) -> str:
    """A Markdown table."""
    marks = {True: "yes", False: "**no**", None: ""}
    lines = ["| measure | result | goal | met |", "| --- | --- | --- | --- |"]
    return "\n".join(lines + [f"| {row.measure} | {row.result} | {row.goal} | {marks[row.met]} |" for row in rows])


def write_json(path: Path, rows: Sequence[Row], took_s: float) -> None:
    """Write the rows with the machine they were measured on."""
    machine = {"cpus": os.cpu_count(), "python": platform.python_version(), "system": platform.platform()}
    items = [{"measure": r.measure, "result": r.result, "goal": r.goal, "met": r.met, "figures": dict(r.figures)} for r in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine, "took_s": round(took_s, 1), "rows": items}, indent=2) + "\n")
