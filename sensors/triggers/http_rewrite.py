"""Parameters that change an `http` trigger's declaration for one firing: trigger-level ones, then its own."""

import msgspec
from pydantic import ValidationError

from manifests.objects import DeclaredTrigger
from sensors.bound import Bound
from sensors.parameters import Parameters, compile_parameters
from sensors.triggers.http_spec import HttpSpec


class Rewriting:
    """What parameters do to one declaration. False where there are none."""

    def __init__(self, declared: DeclaredTrigger, spec: HttpSpec) -> None:
        """Raises `ValueError` naming the parameter that cannot work."""
        self._kind = declared.kind
        self._declared = spec
        self._on_template = compile_parameters(declared.head.parameters, "parameters")
        self._on_spec = compile_parameters(spec.parameters, f"template.{declared.kind}.parameters")
        # The checked spec, not what was written: unknown fields have been reported and are gone from it.
        own = spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
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
        return on_spec.apply(spec, bound)

    def _taken_out(self, template: bytes) -> bytes:
        spec = msgspec.json.decode(template).get(self._kind)
        if not isinstance(spec, dict):
            raise ValueError(f"the parameters leave no {self._kind!r} in the template")
        return msgspec.json.encode(spec)

    def _listed_in(self, spec: bytes) -> Parameters:
        """The parameters that `spec` lists now: trigger-level ones can rewrite that list too."""
        listed = parse_spec(spec).parameters
        if listed == self._declared.parameters:
            return self._on_spec
        return compile_parameters(listed, f"template.{self._kind}.parameters")


def parse_spec(spec: bytes) -> HttpSpec:
    """Check a rewritten declaration. Raises `ValueError` saying where it is wrong, without the values."""
    try:
        return HttpSpec.model_validate_json(spec)
    except ValidationError as exc:
        faults = [f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in exc.errors(include_input=False)]
        raise ValueError(f"the parameters make a request that cannot be sent: {'; '.join(faults)}") from None
