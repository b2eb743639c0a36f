"""Whether a parameter's `dest` names something that the trigger's kind has."""

from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BeforeValidator

from manifests.checked import aliases
from manifests.fields import Spec
from manifests.words import did_you_mean, quoted
from sensors.languages.sjson import Step


def wrong_dest(spec: type[Spec], steps: Sequence[Step], *, text: bool) -> str:
    """Why nothing can be set at `steps` below `spec`; empty where it can. `text`: the value is set as text, whatever it is."""
    kind: Any = spec
    for step in steps:
        if isinstance(kind, type) and issubclass(kind, Spec):
            field = next((info for name, info in kind.model_fields.items() if (info.alias or name) == step.key), None)
            if field is None:
                hint = did_you_mean(step.key, aliases(kind))
                return f"there is no field {quoted(step.key)}{hint}; what is set there is ignored"
            if any(isinstance(one, BeforeValidator) for one in field.metadata):
                return ""
            kind = _bare(field.annotation)
        elif get_origin(kind) in (list, tuple):
            if step.place is None and not step.appends:
                return f"expected the number of an item, or -1 for one more, got {quoted(step.key)}"
            kind = _bare(get_args(kind)[0])
        elif get_origin(kind) in (dict, Mapping) or getattr(get_origin(kind), "__name__", "") == "Mapping":
            kind = _bare(get_args(kind)[1])
        elif kind in (str, int, float, bool):
            return f"{quoted(step.key)} would stand inside something that is no mapping"
        else:
            return ""
    return _unfit(kind) if text else ""


def _unfit(kind: Any) -> str:
    """Why text is no value there."""
    if kind in (int, float, bool):
        wanted = "true or false" if kind is bool else "a number"
        return f"the value is set as text, and {wanted} is expected; add useRawData: true"
    container = get_origin(kind) in (list, tuple, dict, Mapping) or (isinstance(kind, type) and issubclass(kind, Spec))
    return "the value is set as text, and a list or a mapping is expected; name a field in it" if container else ""


def _bare(annotation: Any) -> Any:
    """The type without `None` and without what pydantic is told about it; `Any` where several are left."""
    if get_origin(annotation) is Annotated:
        return Any if any(isinstance(one, BeforeValidator) for one in annotation.__metadata__) else _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        left = [one for one in get_args(annotation) if one is not NoneType]
        return _bare(left[0]) if len(left) == 1 else Any
    return annotation
