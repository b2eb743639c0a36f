"""Jars of a server, got by Maven once and kept."""

import hashlib
import shutil
import subprocess
from functools import partial
from pathlib import Path

from servers.cache import Missing, cached, need


def jars(pom: Path) -> Path:
    """The folder with all that `NAME.pom.xml` names and needs. Raises `Missing`."""
    name = pom.name.removesuffix(".pom.xml")
    key = f"{name}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    return cached(key, partial(_download, pom, name)) / "libs"


def _download(pom: Path, name: str, folder: Path) -> None:
    need(["mvn"], packages="maven")
    shutil.copy(pom, folder / "pom.xml")
    command = ["mvn", "-B", "-q", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=libs"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise Missing(f"Maven could not get {name}: {(done.stdout + done.stderr)[-1000:]}")
