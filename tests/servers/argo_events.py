"""The program that holds Argo Events' own code, built once by Go from `tests/oracle/upstream/`. Needs Go's module proxy."""

import hashlib
import shutil
import subprocess
from pathlib import Path

from servers.cache import Missing, cached
from servers.golang import go

SOURCES = Path(__file__).parent.parent / "oracle" / "upstream"
BUILD_S = 1500.0


def fetch() -> Path:
    """The program, kept outside the checkout by the content of its sources. Raises `Missing`."""
    return _folder() / "oracle"


def examples() -> Path:
    """The folder of the manifests that the original shows its users. Raises `Missing`."""
    return _folder() / "examples"


def _folder() -> Path:
    sources = sorted([*SOURCES.glob("*.go"), *SOURCES.glob("*.s"), SOURCES / "go.mod", SOURCES / "go.sum"])
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    return cached(f"argo-events-{digest}-examples", _build)


def _build(folder: Path) -> None:
    try:
        _go("build", "-ldflags=-s -w", "-o", str(folder / "oracle"), ".")
        module = _go("list", "-m", "-f", "{{.Dir}}", "github.com/argoproj/argo-events").strip()
    except subprocess.CalledProcessError as exc:
        raise Missing(f"Go cannot build Argo Events: {exc.stderr[-500:]}") from exc
    except subprocess.TimeoutExpired as exc:
        raise Missing(f"Go did not build Argo Events within {BUILD_S:g} s") from exc
    shutil.copytree(Path(module, "examples"), folder / "examples")
    shutil.copy(Path(module, "LICENSE"), folder / "examples")
    for path in [folder / "examples", *folder.glob("examples/**/*")]:
        path.chmod(path.stat().st_mode | 0o200)  # Go keeps modules read-only, and a folder like that cannot be removed


def _go(*arguments: str) -> str:
    done = subprocess.run([go(), *arguments], cwd=SOURCES, check=True, capture_output=True, text=True, timeout=BUILD_S)
    return done.stdout
