"""What parameters have to search an event's text for: a query on a large event takes long, and may be done beside the loop."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from manifests.objects import Parameter
from sensors.languages.document import Document
from sensors.languages.gjson import Path, PathError, Result, compile_path

Searched = Mapping[str, tuple[Path, ...]]
"""By dependency: paths of its event's data that are searched for in the text."""


def searched_by(template: object, parameters: Iterable[Parameter] = ()) -> Searched:
    """Those of `parameters`, and of every parameter anywhere in `template`, which is JSON as written."""
    named = [(one.src.dependency_name, one.src.data_key) for one in parameters if one.src is not None]
    found: dict[str, dict[Path, None]] = {}
    for dependency, key in (*named, *_keys(template)):
        path = _path(key)
        if path is not None and path.plain is None:
            found.setdefault(dependency, {})[path] = None
    return {dependency: tuple(paths) for dependency, paths in found.items()}


def _path(key: str) -> Path | None:
    try:
        return compile_path(key) if key else None
    except PathError:
        return None  # the trigger is disabled for that


def _keys(value: object) -> Iterator[tuple[str, str]]:
    """(dependency, dataKey) of each `src` in `value`."""
    if isinstance(value, Mapping):
        source = value.get("src")
        if isinstance(source, Mapping):
            yield str(source.get("dependencyName") or ""), str(source.get("dataKey") or "")
        for member in value.values():
            yield from _keys(member)
    elif isinstance(value, list | tuple):
        for element in value:
            yield from _keys(element)


def search(data: bytes, paths: Sequence[Path]) -> Mapping[Path, Result]:
    """What `paths` find in `data`, which is parsed anew: a thread may do this while others use the event.

    Never raises: what breaks here is left out, and breaks again where the request is rendered, which tells of it.
    """
    document, found = Document(data), {}
    for path in paths:
        with suppress(Exception):
            found[path] = path.get(document)
    return found
