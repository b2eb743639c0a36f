"""How to log in to a repository: by password, as a GitHub App, by a key for SSH."""

import contextlib
import os
from collections.abc import Iterator
from typing import NamedTuple

from clients.credentials import Credentials
from clients.github_app import NOT_INSTALLED, is_installed
from manifests.fields import GithubApp
from sensors.artifacts.git_target import HTTP, GitTarget
from sensors.artifacts.installations import Installation, Installations
from sensors.artifacts.spec import GitLocation
from sensors.triggers.available import available
from sensors.triggers.trigger import TriggerContext

APP_USER = "x-access-token"
"""Who logs in with a token of an installation."""


class Login(NamedTuple):
    """How to log in. It never prints what is secret."""

    user: str = ""
    password: str = ""
    key: str = ""
    """A private key for SSH, as text."""
    any_host: bool = False
    """Whether a host is taken for who it says it is."""
    known_hosts: str = ""
    """Lines of known hosts; empty: those that the machine knows."""

    def __repr__(self) -> str:
        return "Login(***)"


class Logins:
    """The logins of one declaration: for HTTP `creds`, else `githubApp`; for SSH the key."""

    def __init__(self, declared: GitLocation, target: GitTarget, context: TriggerContext) -> None:
        """Raises `ValueError` naming the field that cannot work."""
        self._app = declared.github_app if declared.creds is None else None
        if self._app is not None and target.scheme not in HTTP:
            raise ValueError("githubApp logs in by https; give such a URL, or sshKeySecret instead")
        if self._app is not None and context.acts and not is_installed():
            raise ValueError(NOT_INSTALLED)
        self._declared = declared
        self._target = target
        self._context = context
        self._credentials = Credentials(context.namespace, context.values)

    async def login(self) -> Login:
        """With the secrets as they are now. Raises `TriggerUnavailable`, and `TriggerRefused` where GitHub may not be called."""
        declared, read = self._declared, self._credentials
        if self._app is not None:
            installation = self._installation(self._app)
            return Login(APP_USER, await self._context.shared.get(Installations).token(installation, self._context))
        with available():
            if self._target.scheme in HTTP and declared.creds is not None:
                return Login(read.text(declared.creds.username).strip(), read.text(declared.creds.password).strip())
            key = read.text(declared.ssh_key_secret)
        return Login(key=key, any_host=declared.insecure_ignore_host_key, known_hosts=declared.known_hosts)

    def refused(self, login: Login) -> None:
        """The server did not take `login`: a token is asked for anew the next time."""
        if self._app is not None:
            self._context.shared.get(Installations).forget(login.password)

    def _installation(self, app: GithubApp) -> Installation:
        with available():
            key = self._credentials.text(app.private_key)
        return Installation(self._target.github_api, app.app_id, app.installation_id, key)


@contextlib.contextmanager
def key_file(text: str) -> Iterator[str]:
    """A file in memory with a private key, for the time of the block: nothing is left of it where this process is killed."""
    handle = os.memfd_create("tocsin")
    try:
        os.fchmod(handle, 0o600)  # or ssh takes it for one that others can read
        with open(handle, "w", closefd=False) as file:
            file.write(text.rstrip("\n") + "\n")
        yield f"/proc/{os.getpid()}/fd/{handle}"
    finally:
        os.close(handle)
