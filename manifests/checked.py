"""Checking JSON against a model, as strictly as the dialect asks, with every mistake in plain words at its path."""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from manifests.complaints import complaint
from manifests.fields import Spec
from manifests.report import MAX_PROBLEMS, Fault, Report
from manifests.yaml_values import Path

SpecT = TypeVar("SpecT", bound=Spec)
_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Checked(Generic[SpecT]):
    """What became of one value. `data` is without what the dialect ignores; `value` is None where there are faults."""

    value: SpecT | None
    data: Any
    faults: tuple[Fault, ...] = ()


def check(model: type[SpecT], data: Any, path: Path, report: Report) -> Checked[SpecT]:
    """Validate `data`, which stands at `path`, against `model`.

    Unknown fields are reported here, because every caller treats them alike. All other mistakes are returned, for the
    caller to decide what they disable. JSON rules apply: a number is not text, and text is not a number.
    """
    for _ in range(_ROUNDS):
        try:
            value = model.model_validate_json(json.dumps(data), by_alias=True, by_name=False)
        except ValidationError as exc:
            errors = exc.errors(include_url=False)
        else:
            return Checked(value, data)
        data, ignored = _without_ignored(model, data, errors, path, report)
        if not ignored:
            break
    return Checked(None, data, tuple(dict.fromkeys(_faults(data, errors[:MAX_PROBLEMS], path))))


def _without_ignored(model: type[Spec], data: Any, errors: list[ErrorDetails], path: Path, report: Report) -> tuple[Any, bool]:
    """Report unknown fields, and take out of a copy what the dialect ignores: them and, where lenient, nulls."""
    drop: list[Path] = []
    for error in errors:
        at = _path_in(data, error["loc"])
        unknown = error["type"] == "extra_forbidden"
        if unknown:
            report.unknown_field((*path, *at), _known_fields(model, error["loc"]))
        if at and isinstance(at[-1], str) and (unknown or (report.lenient and error["input"] is None)):
            drop.append(at)
    if not drop:
        return data, False
    data = copy.deepcopy(data)
    for at in drop:
        parent = data
        for part in at[:-1]:
            parent = parent[part]
        parent.pop(at[-1], None)
    return data, True


def _faults(data: Any, errors: list[ErrorDetails], path: Path) -> Iterator[Fault]:
    for error in errors:
        if error["type"] != "extra_forbidden":
            at = (*path, *_path_in(data, error["loc"], missing=error["type"] == "missing"))
            yield Fault(at, complaint(error, at))


def _path_in(data: Any, loc: tuple[str | int, ...], *, missing: bool = False) -> Path:
    """`loc` without what pydantic adds to it: tags of unions and names of validators."""
    path: list[str | int] = []
    for position, part in enumerate(loc):
        if _has(data, part):
            data = data[part]
        elif not (missing and position == len(loc) - 1):
            continue
        path.append(part)
    return tuple(path)


def _has(data: Any, part: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, Mapping) and part in data


def _known_fields(model: type[Spec], loc: tuple[str | int, ...]) -> list[str]:
    return sorted({alias for one in _models_at(model, loc[:-1]) for alias in aliases(one)})


def aliases(model: type[BaseModel]) -> Iterator[str]:
    """The fields of `model` as a manifest spells them."""
    return (info.alias or name for name, info in model.model_fields.items())


def _models_at(model: type[BaseModel], loc: tuple[str | int, ...]) -> list[type[BaseModel]]:
    models = [model]
    for part in loc:
        inner = [
            found
            for one in models
            for name, info in one.model_fields.items()
            if (info.alias or name) == part
            for found in _models_in(info.annotation)
        ]
        models = inner or models
    return models


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
