"""A clock and a disk that obey: a library preloaded into the service, and the file that tells it what to do."""

import hashlib
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

from servers.cache import Missing, cached, need

_SOURCE = Path(__file__).with_name("shim.c")


class Shim:
    """Written to while the service runs; all zero, it does nothing."""

    def __init__(self, folder: Path) -> None:
        """`folder` gets the file that the service reads."""
        self._file = folder / "shim"
        self._library, self.missing = _library()
        """Why there is none on this machine; empty where there is one."""
        self.clock_s = 0.0
        """Seconds added to the wall clock."""
        self.sync_s = 0.0
        """Seconds that every sync takes."""
        self.sync_error = 0
        self.write_error = 0
        self.apply()

    @property
    def environment(self) -> Mapping[str, str]:
        """What the service has to be started with."""
        return {"LD_PRELOAD": str(self._library), "CHAOS_SHIM": str(self._file)} if self._library is not None else {}

    def apply(self) -> None:
        """Have the running service obey what the fields say."""
        words = (round(self.clock_s * 1e9), round(self.sync_s * 1e6), self.sync_error, self.write_error)
        # In place and in one write: the service has the file mapped.
        with self._file.open("r+b" if self._file.exists() else "wb") as out:
            out.write(struct.pack("=4q", *words))


def _library() -> tuple[Path | None, str]:
    """The compiled library, made once for each content of its source; or why there is none."""
    try:
        need(["cc"], packages="gcc libc6-dev")
        return cached(f"chaos-{hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:12]}", _compile) / "shim.so", ""
    except Missing as missing:
        return None, str(missing)


def _compile(folder: Path) -> None:
    command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(folder / "shim.so"), str(_SOURCE), "-ldl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"the library cannot be compiled: {done.stderr[-300:]}")
