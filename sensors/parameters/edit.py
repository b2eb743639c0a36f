"""Editing a document by parameters: the trigger's template, a resource, a kind's own object.

Semantics: `ApplyParams` of Argo Events' `pkg/sensors/triggers/params.go`: in order, each seeing what those before did.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from manifests.objects import Parameter
from sensors.bound import Bound
from sensors.languages.document import Document
from sensors.languages.gjson import compile_path
from sensors.languages.sjson import SjsonError, compile_dest, sjson_string
from sensors.parameters.listed import Listed, compile_listed
from sensors.parameters.payload import notes
from sensors.parameters.resolve import BadParameter, Resolved

_OPERATIONS = frozenset(("", "overwrite", "append", "prepend"))


@dataclass(frozen=True, slots=True)
class Parameters:
    """A compiled list; false where it is empty."""

    _entries: tuple[Listed, ...]

    def __bool__(self) -> bool:
        return bool(self._entries)

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot work but has a stand-in."""
        return notes(self._entries)

    def apply(self, document: bytes, bound: Bound) -> bytes:
        """`document`, which is JSON, with every value set; a value that is absent leaves it alone. Raises `ParameterError`."""
        if not self._entries:
            return document
        return self.put(document, self.resolve(bound))

    def resolve(self, bound: Bound) -> list[Resolved | None]:
        """The values alone, one for each parameter, for a document that is not at hand yet. Raises `ParameterError`."""
        return [entry.resolve(bound) for entry in self._entries]

    def put(self, document: bytes, values: Sequence[Resolved | None]) -> bytes:
        """As `apply`, with values that were resolved before. Raises `ParameterError`."""
        text = document.decode("utf-8", "replace")
        for entry, resolved in zip(self._entries, values, strict=True):
            if resolved is None:
                continue
            try:
                text = compile_dest(entry.dest).edit(text, _raw(entry, resolved, text))
            except SjsonError as exc:
                raise entry.error(str(exc)) from exc
        return text.encode("utf-8", "replace")

    def named(self, values: Sequence[Resolved | None]) -> list[tuple[str, Resolved]]:
        """Where each of `values` goes; those that are absent are left out."""
        return [(entry.dest, value) for entry, value in zip(self._entries, values, strict=True) if value is not None]


def _raw(entry: Listed, resolved: Resolved, text: str) -> str:
    """The JSON to set. Joining to what is there already makes text of both."""
    if entry.operation in {"append", "prepend"}:
        present = compile_path(entry.dest).get(Document(text.encode("utf-8", "replace")))
        if present.exists:
            return sjson_string(present.text + resolved.text if entry.operation == "append" else resolved.text + present.text)
    return sjson_string(resolved.text) if resolved.raw is None else resolved.raw


def compile_parameters(parameters: Sequence[Parameter], place: str = "parameters") -> Parameters:
    """Compile a list that stands at `place`. Raises `BadParameter` for the first that cannot work."""
    entries = tuple(compile_listed(parameters, place))
    for entry in entries:
        if not entry.dest:
            raise BadParameter(f"{place}[{entry.index}]", entry.what, "'dest' is empty; name the place that the value goes to")
        if entry.operation not in _OPERATIONS:
            why = f"operation {entry.operation!r} is none of append, overwrite, prepend"
            raise BadParameter(f"{place}[{entry.index}].operation", entry.what, why)
    return Parameters(entries)
