"""An object in a file of a Git repository: fetched without a working copy, so nothing of it can lead anywhere."""

import re
from pathlib import PurePosixPath
from typing import Any

from sensors.artifacts.content import MAX_BYTES
from sensors.artifacts.git_login import Logins
from sensors.artifacts.git_program import GitFailed, GitProgram, git_program
from sensors.artifacts.git_target import GitTarget, checked_target
from sensors.artifacts.spec import GitLocation
from sensors.errors import TriggerRefused, TriggerUnavailable
from sensors.triggers.trigger import TriggerContext
from sensors.web.client import Web
from sensors.web.egress import EgressDenied

_REF = re.compile(r"(?!-)(?!.*(?:\.\.|//|@\{))[\w./@+=-]+(?<![./])")
_REMOTE = re.compile(r"(?!-)[\w.-]{1,100}", re.ASCII)
_REGULAR = ("100644", "100755")


class GitPlace:
    """One file of one branch, tag or other reference."""

    def __init__(self, declared: GitLocation, context: TriggerContext) -> None:
        self._target = _read_from(declared)
        self._path = _checked_path(declared.file_path)
        self._ref = _checked_ref(declared)
        self._logins = Logins(declared, self._target, context)
        self._egress = (context.web or Web()).egress

    @property
    def what(self) -> str:
        """Names it in errors."""
        return f"{self._path} of {self._ref} at {self._target.shown}"

    def show(self) -> dict[str, Any]:
        """Repository, reference and path."""
        return {"url": self._target.shown, "ref": self._ref, "filePath": self._path}

    async def read(self) -> bytes:
        """The text. Raises `TriggerRefused` or `TriggerUnavailable`."""
        try:
            addresses = await self._target.check(self._egress)
            login = await self._logins.login()
        except EgressDenied as exc:
            raise TriggerRefused(f"{self._target.shown}: {exc}") from exc
        try:
            with git_program(self._target, addresses, login) as git:
                return await self._fetched(git)
        except GitFailed as exc:
            if exc.login:
                self._logins.refused(login)
            raise TriggerUnavailable(f"{self.what}: {exc}") from exc

    async def _fetched(self, git: GitProgram) -> bytes:
        await git.run("init", "--quiet", "--bare", ".")
        await git.run(
            "fetch",
            "--quiet",
            "--depth=1",
            "--no-tags",
            "--no-write-fetch-head",
            "--",
            self._target.url,
            f"{self._ref}:refs/read",
        )
        listed = (await git.run("ls-tree", "-l", "-z", "refs/read", "--", self._path)).split(b"\0")[0]
        if not listed:
            raise TriggerRefused(f"{self.what}: there is no such file")
        mode, _, name, size = listed.partition(b"\t")[0].decode().split()
        if mode not in _REGULAR:
            raise TriggerRefused(f"{self.what}: a link, a folder or a submodule, and no file")
        if int(size) > MAX_BYTES:
            raise TriggerRefused(f"{self.what}: larger than {MAX_BYTES >> 20} MiB")
        return await git.run("cat-file", "blob", name)


def _read_from(declared: GitLocation) -> GitTarget:
    """The repository that is read: the first URL of `remote`, where there is one, as the original fetches from it."""
    remote = declared.remote
    if remote is None:
        return checked_target(declared.url)
    if not _REMOTE.fullmatch(remote.name):
        raise ValueError(f"remote.name {remote.name!r}: expected a name of letters, digits, '.', '_' and '-'")
    if not remote.urls:
        raise ValueError("remote.urls is empty; give the URL to read from")
    try:
        return checked_target(remote.urls[0])
    except ValueError as exc:
        raise ValueError(f"remote.urls[0]: {str(exc).removeprefix('url').lstrip(': ')}") from None


def _checked_path(text: str) -> str:
    path = PurePosixPath(text)
    forbidden = any(character in text for character in "\\\0\n:*?[~")
    if not text or path.is_absolute() or forbidden or {"..", ".git"} & {part.lower() for part in path.parts}:
        raise ValueError(f"filePath {text!r}: expected a path below the root of the repository, without '..', '~' and '\\'")
    return str(path)


def _checked_ref(declared: GitLocation) -> str:
    """The reference that counts: `ref`, else the tag, else the branch."""
    for field, text, prefix in (
        ("ref", declared.ref, ""),
        ("tag", declared.tag, "refs/tags/"),
        ("branch", declared.branch or "master", "refs/heads/"),
    ):
        if text:
            if not _REF.fullmatch(text):
                raise ValueError(f"{field} {text!r} is no name of a reference")
            return prefix + text
    raise AssertionError("unreachable: there is a default branch")
