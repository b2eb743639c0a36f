"""A list of parameters compiled: what payloads, edits and headers have in common."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from manifests.objects import Parameter
from sensors.bound import Bound
from sensors.parameters.resolve import BadParameter, ParameterError, Resolved, Source, Unresolved, compile_source


@dataclass(frozen=True, slots=True)
class Listed:
    """One compiled parameter and its place in its list."""

    index: int
    what: str
    """Names it in errors, such as `payload[2] (dest 'a.b')`."""
    source: Source
    dest: str
    operation: str

    def resolve(self, bound: Bound) -> Resolved | None:
        """The value; None where its dependency took no part and nothing stands in. Raises `ParameterError`."""
        try:
            return self.source.resolve(bound)
        except Unresolved as exc:
            raise self.error(str(exc)) from exc

    def need(self, bound: Bound) -> Resolved:
        """The value, where there must be one. Raises `ParameterError`."""
        resolved = self.resolve(bound)
        if resolved is None:
            raise self.error(f"the dependency {self.source.dependency!r} has no event in this firing; give a 'value' to stand in")
        return resolved

    def error(self, why: str) -> ParameterError:
        """An error about this parameter."""
        return ParameterError(self.index, self.what, why)


def compile_listed(parameters: Sequence[Parameter], place: str) -> Iterator[Listed]:
    """Compile each of `parameters`, which stand at `place`. Raises `BadParameter` for the first that never can have a value."""
    for index, parameter in enumerate(parameters):
        what = f"{place}[{index}]"
        if parameter.src is None:
            raise BadParameter(what, what, "'src' is missing")
        try:
            source = compile_source(parameter.src, salt=what)
        except ValueError as exc:
            raise BadParameter(f"{what}.src", what, str(exc)) from exc
        shown = f"{what} (dest {parameter.dest!r})" if parameter.dest else what
        yield Listed(index, shown, source, parameter.dest, parameter.operation)
