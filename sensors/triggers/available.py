"""What cannot be read now and may be there later."""

from contextlib import AbstractContextManager
from types import TracebackType

from manifests.secrets import SecretMissing
from sensors.errors import TriggerUnavailable


class _Available:
    """Holds nothing, so one serves all. A class and no generator: every firing pays for it."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(exc, (SecretMissing, ValueError)):
            raise TriggerUnavailable(str(exc)) from exc


_AVAILABLE = _Available()


def available() -> AbstractContextManager[None]:
    """Secrets that are read in the block, and are missing or cannot be used, may be put right: worth another try."""
    return _AVAILABLE
