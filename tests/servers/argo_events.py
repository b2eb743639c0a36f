"""The program that holds Argo Events' own code, built once by Go from `tests/oracle/upstream/`. Needs Go's module proxy."""

import hashlib
import subprocess
from pathlib import Path

from servers.cache import Missing, cached
from servers.golang import go

SOURCES = Path(__file__).parent.parent / "oracle" / "upstream"
BUILD_S = 1500.0


def fetch() -> Path:
    """The program, kept outside the checkout by the content of its sources. Raises `Missing`."""
    sources = sorted([*SOURCES.glob("*.go"), *SOURCES.glob("*.s"), SOURCES / "go.mod", SOURCES / "go.sum"])
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    return cached(f"argo-events-{digest}", _build) / "oracle"


def _build(folder: Path) -> None:
    command = [go(), "build", "-ldflags=-s -w", "-o", str(folder / "oracle"), "."]
    try:
        subprocess.run(command, cwd=SOURCES, check=True, capture_output=True, text=True, timeout=BUILD_S)
    except subprocess.CalledProcessError as exc:
        raise Missing(f"Go cannot build Argo Events: {exc.stderr[-500:]}") from exc
    except subprocess.TimeoutExpired as exc:
        raise Missing(f"Go did not build Argo Events within {BUILD_S:g} s") from exc
