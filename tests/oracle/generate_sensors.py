"""Write the golden files of whole sensors and of event sources: `PYTHONPATH=tests python tests/oracle/generate_sensors.py`. Needs Go.

The same seed gives the same questions; of two errors in one request the original may name either.
"""

import gzip
import json
import re
from pathlib import Path

from declared_cases import declared_cases
from hook_cases import hook_cases
from sensor_cases import SLICES
from sensor_faults import fault_cases
from source_cases import lines as source_lines
from source_cases import source_cases
from upstream_asking import ask

GOLDEN = Path(__file__).parent.parent / "golden"
SEED, COUNT, REQUESTS, DECLARED = 20240705, 700, 400, 1000
MAX_LINE = 12_000
"""Characters."""


_STAMP = re.compile(r'(action-timestamp\\*": \\*")\d+')
"""The moment at which the original acted."""


def main() -> None:
    for name, generate in {**SLICES, "fault": fault_cases}.items():
        cases = list(generate(SEED, COUNT))
        answered = [{**case, "answer": answer} for case, answer in zip(cases, ask(cases), strict=True)]
        lines = [_STAMP.sub(r"\g<1>0", json.dumps(one)) for one in answered if name == "fault" or not one["answer"]["invalid"]]
        kept = [line for line in lines if len(line) <= MAX_LINE]
        _write(f"sensors-{name}", kept)
    hooks = list(hook_cases(SEED, REQUESTS))
    answers = ask({"delivery": case} for case in hooks)
    _write("hooks", [json.dumps({**case, "answer": answer}) for case, answer in zip(hooks, answers, strict=True)])
    sources = list(source_cases(SEED, REQUESTS))
    _write("sources", list(source_lines(sources, ask(sources))))
    declared = list(declared_cases(SEED, DECLARED))
    answers = ask(declared)
    _write("declared", [json.dumps({**case, "refused": one["invalid"]}) for case, one in zip(declared, answers, strict=True)])


def _write(name: str, lines: list[str]) -> None:
    # No time stamp inside, so that the same content is the same file.
    (GOLDEN / f"{name}.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    print(f"{name}: {len(lines)} cases")


if __name__ == "__main__":
    main()
