"""Request headers from parameters: values always as text. `dynamicHeaders` of the `http` trigger."""

from collections.abc import Sequence
from dataclasses import dataclass

from manifests.objects import Parameter
from sensors.bound import Bound
from sensors.parameters.listed import Listed, compile_listed
from sensors.parameters.payload import notes
from sensors.parameters.resolve import BadParameter


@dataclass(frozen=True, slots=True)
class Headers:
    """Compiled headers."""

    _entries: tuple[Listed, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot work but has a stand-in."""
        return notes(self._entries)

    def resolve(self, bound: Bound) -> list[tuple[str, str]]:
        """Names as written and values, in order; a name may repeat, and then the last counts. Raises `ParameterError`."""
        return [(entry.dest, entry.need(bound).text) for entry in self._entries]


def compile_headers(parameters: Sequence[Parameter], place: str = "dynamicHeaders") -> Headers:
    """Compile headers that stand at `place`. Raises `BadParameter` for the first that cannot work."""
    entries = tuple(compile_listed(parameters, place))
    for entry in entries:
        if not entry.dest:
            raise BadParameter(f"{place}[{entry.index}]", entry.what, "'dest' is empty; name the header")
    return Headers(entries)
