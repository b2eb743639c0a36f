"""Parameters that change an `http` trigger's declaration for one firing: trigger-level ones, then its own."""

import re
from collections.abc import Sequence

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from manifests.checked import check
from manifests.objects import DeclaredTrigger
from manifests.report import Report
from sensors.bound import Bound
from sensors.parameters import Parameters, compile_parameters
from sensors.triggers.http_spec import HttpSpec

METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class Rewriting:
    """What parameters do to one declaration. False where there are none."""

    def __init__(self, declared: DeclaredTrigger, spec: HttpSpec, *, lenient: bool) -> None:
        """Raises `ValueError` naming the parameter that cannot work."""
        self._lenient = lenient
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
        listed = parse_spec(spec, lenient=self._lenient).parameters
        if listed == self._declared.parameters:
            return self._on_spec
        return compile_parameters(listed, f"template.{self._kind}.parameters")


def parse_spec(spec: bytes, *, lenient: bool) -> HttpSpec:
    """Check a rewritten declaration. Raises `ValueError` saying where it is wrong, without the values.

    `lenient` reads it as the original does: unknown fields and nulls are nothing, a method is any word.
    """
    try:
        return HttpSpec.model_validate_json(spec)
    except ValidationError as exc:
        errors = exc.errors(include_url=False)
    if lenient and (read := _read_leniently(spec, errors)) is not None:
        return read
    faults = [f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in errors]
    raise ValueError(f"the parameters make a request that cannot be sent: {'; '.join(faults)}")


def _read_leniently(spec: bytes, errors: Sequence[ErrorDetails]) -> HttpSpec | None:
    fields = msgspec.json.decode(spec)
    method = fields.get("method")
    odd = any(error["loc"] == ("method",) for error in errors) and isinstance(method, str)
    if odd and not METHOD.fullmatch(method):
        return None
    if odd:
        del fields["method"]
    read = check(HttpSpec, fields, (), Report("")).value
    # What the model would refuse is what the original sends: it checks methods only where they are declared.
    return read.model_copy(update={"method": method}) if read is not None and odd else read
