"""What stands in a data folder beside the store: where the running service answers, and its token."""

import contextlib
import json
from pathlib import Path
from typing import NamedTuple

SERVICE_FILE = "service.json"


class Running(NamedTuple):
    """Where a service says it answers. It may have died since."""

    url: str
    instance: str


def announce(folder: Path, running: Running) -> None:
    """Write where the service answers."""
    (folder / SERVICE_FILE).write_text(json.dumps(running._asdict()) + "\n")


def withdraw(folder: Path) -> None:
    """Remove what `announce` wrote."""
    (folder / SERVICE_FILE).unlink(missing_ok=True)


def announced(folder: Path) -> Running | None:
    """What the service that runs on `folder` announced, or None."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        found = json.loads((folder / SERVICE_FILE).read_text())
        return Running(str(found["url"]), str(found["instance"]))
    return None
