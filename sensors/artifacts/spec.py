"""What the `source` of a trigger lets a user write. Fields: Argo Events, `ArtifactLocation`."""

from typing import Annotated, Any

from pydantic import Field

from manifests.fields import ConfigMapRef, GithubApp, JsonObject, SecretRef, Spec
from manifests.ours import OURS

_PLACES = ("s3", "inline", "file", "url", "git", "configmap", "resource")
"""In the order that counts."""


class Bucket(Spec):
    """An object of a bucket."""

    name: str = ""
    key: str = ""


class S3Location(Spec):
    """An object in S3, or in a store that speaks its protocol."""

    endpoint: str = ""
    """Host and port, or a URL."""
    bucket: Bucket = Bucket()
    region: str = ""
    insecure: bool = False
    """HTTP instead of HTTPS."""
    access_key: SecretRef | None = None
    secret_key: SecretRef | None = None
    ca_certificate: SecretRef | None = None
    events: list[str] = []
    """Accepted for compatibility, as the next two; a trigger reads one object."""
    filter: JsonObject | None = None
    metadata: dict[str, str] = {}


class FileLocation(Spec):
    """A file of the machine that the service runs on."""

    path: str = ""


class UrlLocation(Spec):
    """What a URL answers."""

    path: str = ""
    """The URL."""
    verify_cert: bool = True
    """Whether the server's certificate is checked; Argo Events checks it only where this is true."""


class GitCreds(Spec):
    """User and password, or a token as password."""

    username: SecretRef | None = None
    password: SecretRef | None = None


class GitRemote(Spec):
    """Another remote to read from."""

    name: str = ""
    urls: list[str] = []
    """The first of them is read."""


class GitLocation(Spec):
    """A file of a Git repository."""

    url: str = ""
    file_path: str = ""
    """Of the file, below the root of the repository."""
    branch: str = ""
    """`master` where neither branch, tag nor ref is given."""
    tag: str = ""
    ref: str = ""
    """Any other name that the server knows, such as `refs/pull/7/head`."""
    creds: GitCreds | None = None
    ssh_key_secret: SecretRef | None = None
    insecure_ignore_host_key: bool = False
    known_hosts: Annotated[str, OURS] = ""
    """Lines of `known_hosts` for the host of an SSH URL; without them, those that the machine has count. Of our dialect."""
    clone_directory: str = ""
    """Accepted for compatibility: nothing is checked out."""
    remote: GitRemote | None = None
    github_app: GithubApp | None = None
    """App to log in as, where there are no `creds`."""


class Location(Spec):
    """Where the object comes from; the first of these that is given counts."""

    s3: S3Location | None = Field(default=None, alias="s3")
    inline: str | None = None
    """The object as YAML or JSON text."""
    file: FileLocation | None = None
    url: UrlLocation | None = None
    git: GitLocation | None = None
    configmap: ConfigMapRef | None = None
    """A key of a ConfigMap that holds the object as text."""
    resource: JsonObject | None = None
    """The object itself."""

    def given(self) -> tuple[str, Any]:
        """The place that counts, and what is said of it. Raises `ValueError` where there is none."""
        for name in _PLACES:
            value = getattr(self, name)
            if value is not None:
                return name, value
        raise ValueError(f"source names no place; give one of {', '.join(_PLACES)}")
