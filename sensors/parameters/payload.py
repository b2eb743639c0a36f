"""Building a new document from parameters.

Semantics: `constructPayload` of Argo Events: it starts from nothing, `operation` plays no part, an empty `dest` makes its value
the whole payload. Where upstream crashes, because a dependency took no part and no `value` stands in, this is an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from manifests.objects import Parameter
from sensors.bound import Bound
from sensors.languages.sjson import PayloadPlan, SjsonError, compile_dest, sjson_string
from sensors.languages.sjson import compile_payload as plan_payload
from sensors.parameters.listed import Listed, compile_listed


@dataclass(frozen=True, slots=True)
class Payload:
    """A compiled payload."""

    _entries: tuple[Listed, ...]
    _plan: PayloadPlan

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot work but has a stand-in."""
        return notes(self._entries)

    def build(self, bound: Bound) -> bytes:
        """The payload; empty where the list is. The same `bound` gives the same bytes. Raises `ParameterError`."""
        raws: list[str] = []
        for entry in self._entries:
            if not entry.dest:
                whole = entry.resolve(bound)
                if whole is not None:
                    self._name_culprit(raws)
                    return whole.text.encode("utf-8", "replace")
                continue
            resolved = entry.need(bound)
            raws.append(sjson_string(resolved.text) if resolved.raw is None else resolved.raw)
        try:
            return self._plan.build(raws).encode("utf-8", "replace")
        except SjsonError as exc:
            self._name_culprit(raws)
            raise self._entries[-1].error(str(exc)) from exc

    def _name_culprit(self, raws: Sequence[str]) -> None:
        """Set one value after the other, and raise for the one that cannot be set."""
        text = ""
        for entry, raw in zip((entry for entry in self._entries if entry.dest), raws, strict=False):
            try:
                text = compile_dest(entry.dest).edit(text, raw)
            except SjsonError as exc:
                raise entry.error(str(exc)) from exc


def compile_payload(parameters: Sequence[Parameter], place: str = "payload") -> Payload:
    """Compile a payload that stands at `place`. Raises `BadParameter` for the first that cannot work."""
    entries = tuple(compile_listed(parameters, place))
    return Payload(entries, plan_payload([entry.dest for entry in entries if entry.dest]))


def notes(entries: Sequence[Listed]) -> tuple[str, ...]:
    """What in `entries` cannot work but has a key or a value to stand in."""
    return tuple(f"{entry.what}: {entry.source.broken}" for entry in entries if entry.source.broken)
