"""Fields that only our dialect has: a kind marks them, and manifests of Argo Events may not set them."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from manifests.fields import Spec
from manifests.yaml_values import Path

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema

MARK = "x-tocsin-only"
"""What a schema says of such a field."""


class _Ours:
    def __get_pydantic_json_schema__(self, core_schema: "CoreSchema", handler: "GetJsonSchemaHandler") -> "JsonSchemaValue":
        return {**handler(core_schema), MARK: True}


OURS: Final = _Ours()
"""Annotates such a field: `Annotated[bool, OURS]`."""
ONLY_OURS = "only in manifests of apiVersion tocsin.dev/v1; Argo Events has no such field here"


def ours_in(spec: Spec) -> Iterator[Path]:
    """Where `spec`, or a spec within it, sets such a field to something."""
    for name, info in type(spec).model_fields.items():
        value, at = getattr(spec, name), info.alias or name
        if value and OURS in info.metadata:
            yield (at,)
            continue
        for inner, within in _specs(value):
            yield from ((at, *within, *path) for path in ours_in(inner))


def _specs(value: object) -> Iterator[tuple[Spec, Path]]:
    if isinstance(value, Spec):
        yield value, ()
    elif isinstance(value, (list, tuple)):
        yield from ((one, (index,)) for index, one in enumerate(value) if isinstance(one, Spec))
