"""Reading an object's text when a trigger acts: which place is read by what."""

from collections.abc import Callable, Mapping
from typing import Any

from sensors.artifacts.configmap import ConfigMapPlace
from sensors.artifacts.file import FilePlace
from sensors.artifacts.git import GitPlace
from sensors.artifacts.place import Place
from sensors.artifacts.s3 import S3Place
from sensors.artifacts.url import UrlPlace
from sensors.triggers.trigger import TriggerContext

_PLACES: Mapping[str, Callable[[Any, TriggerContext], Place]] = {
    "s3": S3Place,
    "file": FilePlace,
    "url": UrlPlace,
    "git": GitPlace,
    "configmap": ConfigMapPlace,
}


class Reader:
    """Reads from where a declaration says."""

    def __init__(self, where: str, declared: Any, context: TriggerContext) -> None:
        """Raises `ValueError` naming the field that cannot work."""
        self._where = where
        try:
            self._place = _PLACES[where](declared, context)
        except ValueError as exc:
            raise ValueError(f"source.{where}: {exc}") from exc

    @property
    def what(self) -> str:
        """Names the place in errors."""
        return self._place.what

    def show(self) -> dict[str, Any]:
        """What to print of the place."""
        return {self._where: self._place.show()}

    async def read(self) -> bytes:
        """The text. Raises `TriggerUnavailable` or `TriggerRefused`."""
        return await self._place.read()
