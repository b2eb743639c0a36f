"""What cannot be read now and may be there later."""

import contextlib
from collections.abc import Iterator

from manifests.secrets import SecretMissing
from sensors.errors import TriggerUnavailable


@contextlib.contextmanager
def available() -> Iterator[None]:
    """Secrets that are read in the block, and are missing or cannot be used, may be put right: worth another try."""
    try:
        yield
    except (SecretMissing, ValueError) as exc:
        raise TriggerUnavailable(str(exc)) from exc
