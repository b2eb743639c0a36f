"""Parameters that change a trigger's declaration for one firing: trigger-level ones, then the kind's own."""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from manifests.fields import Spec
from manifests.objects import DeclaredTrigger, Parameter
from sensors.bound import Bound
from sensors.parameters import Parameters, compile_parameters


class Parametrised(Protocol):
    """The spec of a kind that lists parameters of its own."""

    @property
    def parameters(self) -> Sequence[Parameter]:
        """Applied to the spec before the request is made."""


class ParametrisedSpec(Spec):
    """A spec that lists parameters of its own."""

    parameters: list[Parameter] = []
    """Applied to this object before the request is made."""


SpecT = TypeVar("SpecT", bound=Parametrised)
Settle = Callable[[bytes, bytes], bytes]
"""What counts of a spec before and after its own parameters, both JSON."""


def honoured(before: bytes, after: bytes) -> bytes:
    """A kind's own parameters count."""
    return after


def ignored(before: bytes, after: bytes) -> bytes:
    """They are worked out, and may fail, but change nothing."""
    return before


class Rewriting(Generic[SpecT]):
    """What parameters do to one declaration. False where there are none."""

    def __init__(
        self, declared: DeclaredTrigger, spec: SpecT, parse: Callable[[bytes], SpecT], settle: Settle = honoured
    ) -> None:
        """`parse` checks a rewritten declaration. Raises `ValueError` naming the parameter that cannot work."""
        self._parse = parse
        self._settle = settle
        self._kind = declared.kind
        self._declared = spec
        self._on_template = compile_parameters(declared.head.parameters, "parameters")
        self._on_spec = compile_parameters(spec.parameters, f"template.{declared.kind}.parameters")
        # The checked spec, not what was written: unknown fields have been reported and are gone from it.
        own = declared.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
        self._spec = msgspec.json.encode(own)
        self._template = msgspec.json.encode({**declared.template, declared.kind: own})

    def __bool__(self) -> bool:
        return bool(self._on_template) or bool(self._on_spec)

    def apply(self, bound: Bound) -> bytes:
        """The declaration for this firing, as JSON. Raises `ParameterError` or `ValueError`."""
        spec, on_spec = self._spec, self._on_spec
        if self._on_template:
            spec = self._taken_out(self._on_template.apply(self._template, bound))
            on_spec = self._listed_in(spec)
        return self._settle(spec, on_spec.apply(spec, bound))

    def _taken_out(self, template: bytes) -> bytes:
        spec = msgspec.json.decode(template).get(self._kind)
        if not isinstance(spec, dict):
            raise ValueError(f"the parameters leave no {self._kind!r} in the template")
        return msgspec.json.encode(spec)

    def _listed_in(self, spec: bytes) -> Parameters:
        """The parameters that `spec` lists now: trigger-level ones can rewrite that list too."""
        listed = self._parse(spec).parameters
        if listed == self._declared.parameters:
            return self._on_spec
        return compile_parameters(listed, f"template.{self._kind}.parameters")
