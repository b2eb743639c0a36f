"""Parameters that change a trigger's declaration for one firing: trigger-level ones, then the kind's own."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from manifests.checked import check
from manifests.fields import Spec
from manifests.objects import DeclaredTrigger, Parameter
from manifests.report import Report
from sensors.bound import Bound
from sensors.languages.document import Document
from sensors.parameters import Parameters, compile_parameters


class ParametrisedSpec(Spec):
    """A spec that lists parameters of its own."""

    parameters: list[Parameter] = []
    """Applied to this object before the request is made."""


SpecT = TypeVar("SpecT", bound=Spec)
Settle = Callable[[bytes, bytes], bytes]
"""What counts of a spec before and after its own parameters, both JSON."""


def honoured(before: bytes, after: bytes) -> bytes:
    """A kind's own parameters count."""
    return after


def ignored(before: bytes, after: bytes) -> bytes:
    """They are worked out, and may fail, but change nothing."""
    return before


def keeping(*fields: str) -> Settle:
    """They change all but `fields`."""

    def settle(before: bytes, after: bytes) -> bytes:
        was, now = msgspec.json.decode(before), msgspec.json.decode(after)
        kept = {name: was[name] for name in fields if name in was}
        return msgspec.json.encode({**{name: value for name, value in now.items() if name not in fields}, **kept})

    return settle


class TemplateRewriting:
    """What trigger-level parameters do to one declaration. False where there are none."""

    def __init__(self, declared: DeclaredTrigger) -> None:
        """Raises `ValueError` naming the parameter that cannot work."""
        self._kind = declared.kind
        self._parameters = compile_parameters(declared.head.parameters, "parameters")
        # The checked spec, not what was written: unknown fields have been reported and are gone from it.
        own = declared.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
        self.spec = msgspec.json.encode(own)
        """The kind's declaration as it stands, as JSON."""
        self._template = msgspec.json.encode({**declared.template, declared.kind: own})

    def __bool__(self) -> bool:
        return bool(self._parameters)

    def apply(self, bound: Bound) -> bytes:
        """The kind's declaration for this firing, as JSON. Raises `ParameterError` or `ValueError`."""
        template = _decoded(self._parameters.apply(self._template, bound))
        if not isinstance(template.get("name"), str | None):
            raise ValueError("the parameters make a name of the trigger that is no text")
        spec = template.get(self._kind)
        if not isinstance(spec, dict):
            raise ValueError(f"the parameters leave no {self._kind!r} in the template")
        return msgspec.json.encode(spec)


class Rewriting:
    """What parameters do to one declaration: trigger-level ones, then the kind's own. False where there are none."""

    def __init__(self, declared: DeclaredTrigger, parse: Callable[[bytes], Spec], settle: Settle = honoured) -> None:
        """`parse` checks a rewritten declaration. Raises `ValueError` naming the parameter that cannot work."""
        self._parse = parse
        self._settle = settle
        self._declared = _listed(declared.spec)
        self._place = f"template.{declared.kind}.parameters"
        self._on_template = TemplateRewriting(declared)
        self._on_spec = compile_parameters(self._declared, self._place)

    def __bool__(self) -> bool:
        return bool(self._on_template) or bool(self._on_spec)

    def apply(self, bound: Bound) -> bytes:
        """The declaration for this firing, as JSON. Raises `ParameterError` or `ValueError`."""
        spec, on_spec = self._on_template.spec, self._on_spec
        if self._on_template:
            spec = self._on_template.apply(bound)
            on_spec = self._listed_in(spec)
        return self._settle(spec, on_spec.apply(spec, bound))

    def _listed_in(self, spec: bytes) -> Parameters:
        """The parameters that `spec` lists now: trigger-level ones can rewrite that list too."""
        listed = _listed(self._parse(spec))
        if listed == self._declared:
            return self._on_spec
        return compile_parameters(listed, self._place)


def _listed(spec: Spec) -> Sequence[Parameter]:
    return spec.parameters if isinstance(spec, ParametrisedSpec) else ()


def _decoded(text: bytes) -> dict[str, Any]:
    """What parameters made of an object. Halves of surrogate pairs are U+FFFD. Raises `ValueError` where it is none any more."""
    tree = Document(text).tree
    if not isinstance(tree, dict):
        raise ValueError("the parameters make something else of the trigger's template")
    return tree


def parse_rewritten(model: type[SpecT], text: bytes, *, lenient: bool) -> SpecT:
    """Check a rewritten declaration. Raises `ValueError` saying where it is wrong, without the values.

    `lenient` reads it as the original does: unknown fields and nulls are nothing.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as exc:
        read = check(model, msgspec.json.decode(text), (), Report("")).value if lenient else None
        if read is not None:
            return read
        raise ValueError(faults_text(exc.errors(include_url=False))) from None


def faults_text(errors: Sequence[ErrorDetails]) -> str:
    """What is wrong with a declaration that parameters made, without its values."""
    return f"the parameters make a request that cannot be sent: {'; '.join(map(_fault_text, errors))}"


def _fault_text(error: ErrorDetails) -> str:
    place, said = ".".join(map(str, error["loc"])), error["msg"].removeprefix("Value error, ")
    return f"{place}: {said}" if place else said
