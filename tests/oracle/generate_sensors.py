"""Write the golden files of whole sensors: `PYTHONPATH=tests python tests/oracle/generate_sensors.py`. Needs Go.

The same seed gives the same questions. An answer that names the moment at which it was given is left as it is: the
comparison does not look at it.
"""

import gzip
import json
from pathlib import Path

from sensor_cases import SLICES
from upstream_asking import ask

GOLDEN = Path(__file__).parent.parent / "golden"
SEED, COUNT = 20240705, 700
MAX_LINE = 12_000
"""Characters."""


def main() -> None:
    for name, generate in SLICES.items():
        cases = list(generate(SEED, COUNT))
        answered = [{**case, "answer": answer} for case, answer in zip(cases, ask(cases), strict=True)]
        lines = [json.dumps(one) for one in answered if not one["answer"]["invalid"]]
        kept = [line for line in lines if len(line) <= MAX_LINE]
        # No time stamp inside, so that the same content is the same file.
        (GOLDEN / f"sensors-{name}.jsonl.gz").write_bytes(gzip.compress("\n".join(kept).encode(), mtime=0))
        print(f"{name}: {len(kept)} cases")


if __name__ == "__main__":
    main()
