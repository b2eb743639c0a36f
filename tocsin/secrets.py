"""Where Secret and ConfigMap values are read: documents of the manifests, then the environment, then mounted files."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from manifests.objects import ObjectRef, ValueObject
from manifests.secrets import SecretMissing, SecretValue

ValueKind = Literal["Secret", "ConfigMap"]
MAX_FILE_BYTES = 1 << 20
"""A mounted value larger than this is refused; Kubernetes allows a whole Secret as much."""


class _Place(NamedTuple):
    variable: str
    folder_variable: str
    folder: str


_PLACES: Mapping[ValueKind, _Place] = {
    "Secret": _Place("TOCSIN_SECRET", "TOCSIN_SECRETS_DIR", "/argo-events/secrets"),
    "ConfigMap": _Place("TOCSIN_CONFIG", "TOCSIN_CONFIG_DIR", "/argo-events/config"),
}


class LocalValues:
    """Reads values on this machine. Each call reads anew: a changed file or document is seen at once."""

    def __init__(self, environ: Mapping[str, str] = os.environ, documents: Iterable[ValueObject] = ()) -> None:
        self._environ = environ
        self._documents: dict[ObjectRef, Mapping[str, bytes]] = {}
        self._files = _FileCache()
        self.replace(documents)

    def documents(self) -> list[ValueObject]:
        """The documents that are read now."""
        return [ValueObject(ref=ref, data=data) for ref, data in self._documents.items()]

    def replace(self, documents: Iterable[ValueObject]) -> None:
        """Make `documents` the Secret and ConfigMap documents that are read."""
        self._documents = {document.ref: document.data for document in documents}

    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        """Return the value of `key` in Secret `namespace`/`name`. Raises `SecretMissing`."""
        return SecretValue(self._find("Secret", namespace, name, key))

    def config(self, namespace: str, name: str, key: str) -> str:
        """Return the text of `key` in ConfigMap `namespace`/`name`, one trailing newline removed. Raises `SecretMissing`."""
        return SecretValue(self._find("ConfigMap", namespace, name, key)).text()

    def _find(self, kind: ValueKind, namespace: str, name: str, key: str) -> bytes:
        document = self._documents.get(ObjectRef(kind, namespace, name))
        if document is not None and key in document:
            return document[key]
        variable = variable_name(kind, name, key)
        if (value := self._environ.get(variable)) is not None:
            return value.encode("utf-8", "surrogateescape")
        path = self._path(kind, name, key)
        if path is not None and (content := self._files.read(path)) is not None:
            return content
        holds = "no" if document is None else "has no such key in the"
        raise SecretMissing(
            f"{kind} {namespace}/{name} key {key!r} is missing: {holds} document of that name in the manifests, "
            f"${variable} is not set, {path or 'and the name cannot be a file'}{' does not exist' if path else ''}"
        )

    def _path(self, kind: ValueKind, name: str, key: str) -> Path | None:
        """The file that holds the value; None where name or key would leave the folder."""
        if not all(part and "/" not in part and "\0" not in part and part not in (".", "..") for part in (name, key)):
            return None
        place = _PLACES[kind]
        return Path(self._environ.get(place.folder_variable) or place.folder) / name / key


def variable_name(kind: ValueKind, name: str, key: str) -> str:
    """The environment variable that holds `key` of `name`: upper case, everything else but letters and digits as `_`."""
    return re.sub(r"[^A-Z0-9]", "_", f"{_PLACES[kind].variable}_{name}_{key}".upper())


def known_secrets(documents: Iterable[ValueObject], environ: Mapping[str, str] = os.environ) -> Iterator[str]:
    """The values of all Secrets that can be listed here: of `documents`, of the environment, of mounted files."""
    for document in documents:
        if document.ref.kind == "Secret":
            yield from (value.decode("utf-8", "replace").strip() for value in document.data.values())
    place = _PLACES["Secret"]
    yield from (value for name, value in environ.items() if name.startswith(f"{place.variable}_"))
    for path in Path(environ.get(place.folder_variable) or place.folder).glob("*/*"):
        if (content := _FileCache().read(path)) is not None:
            yield content.decode("utf-8", "replace").strip()


class _FileCache:
    """Contents of small files, read again when the file changed."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[tuple[int, int, int], bytes]] = {}

    def read(self, path: Path) -> bytes | None:
        """The file's bytes; None where it cannot be read."""
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            seen = self._seen.get(path)
            if seen is None or seen[0] != stamp:
                if stat.st_size > MAX_FILE_BYTES:
                    return None
                seen = self._seen[path] = (stamp, path.read_bytes())
        except OSError:
            return None
        return seen[1]


class HiddenValues:
    """For deciding without acting: every value exists and none is read."""

    def secret(self, namespace: str, name: str, key: str) -> SecretValue:
        """A stand-in."""
        return SecretValue(b"***")

    def config(self, namespace: str, name: str, key: str) -> str:
        """A stand-in."""
        return "***"
