"""Write the golden files: `PYTHONPATH=tests python tests/oracle/generate.py`. Needs Go. The same seed gives the same files."""

import gzip
import json
from pathlib import Path

from asking import ask
from cases import COUNTS, GENERATORS

GOLDEN = Path(__file__).parent.parent / "golden"
SEED = 20240705
MAX_LINE = 20_000
"""Characters; a template that counts to a million is no test."""


def main() -> None:
    for engine, generate in GENERATORS.items():
        requests = list(generate(SEED, COUNTS[engine]))
        answered = [{**request, "answer": answer} for request, answer in zip(requests, ask(requests), strict=True)]
        lines = [line for line in map(json.dumps, answered) if len(line) <= MAX_LINE]
        # No time stamp inside, so that the same content is the same file.
        (GOLDEN / f"{engine}.jsonl.gz").write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
        print(f"{engine}: {len(lines)} cases")


if __name__ == "__main__":
    main()
