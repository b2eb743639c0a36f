"""How `git` runs `ssh`: with nothing of its user but the hosts that are known, to an address that was found to be allowed."""

import contextlib
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from sensors.artifacts.git_login import Login, key_file
from sensors.artifacts.git_target import GitTarget

FILES_VARIABLE = "SSH_KNOWN_HOSTS"
"""Environment variable of the service: files of known hosts, separated by colons, instead of those of its machine and user."""
USER = "git"
"""Who logs in where the URL names nobody."""
NOT_KNOWN_HOST = (
    "the host is not known, or its key is another one; put its line into known_hosts of the service's user, a file that "
    f"{FILES_VARIABLE} names, or knownHosts"
)
_FIXED = {
    "BatchMode": "yes",
    "ConnectTimeout": "10",
    "ProxyCommand": "none",
    "LogLevel": "ERROR",
    "IdentityAgent": "none",
    "IdentitiesOnly": "yes",
    "ForwardAgent": "no",
    "ControlPath": "none",
    "UpdateHostKeys": "no",
    "CheckHostIP": "no",
}


@contextlib.contextmanager
def ssh_command(folder: Path, target: GitTarget, addresses: Sequence[str], login: Login) -> Iterator[str]:
    """What `git` is to run, for the time of the block."""
    with contextlib.ExitStack() as stack:
        # Without a key none is offered: those of the service's user are not the rule's.
        key = stack.enter_context(key_file(login.key)) if login.key else "none"
        options = {**_FIXED, "IdentityFile": key, **_host(target, addresses), **_known(folder, login)}
        if not target.has_user:
            options["User"] = USER
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        yield shlex.join(["ssh", "-F", "/dev/null", *words])


def _host(target: GitTarget, addresses: Sequence[str]) -> dict[str, str]:
    """Not to be resolved again: the name may mean another address by then. The host's key is looked up under its name."""
    if not addresses:
        return {}
    return {"HostName": addresses[0], "HostKeyAlias": target.host if target.at == 22 else f"[{target.host}]:{target.at}"}


def _known(folder: Path, login: Login) -> dict[str, str]:
    if login.any_host:
        return {"StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null", "GlobalKnownHostsFile": "/dev/null"}
    strict = {"StrictHostKeyChecking": "yes"}
    if login.known_hosts:
        path = folder / "known_hosts"
        path.write_text(login.known_hosts.rstrip("\n") + "\n")
        return {**strict, "UserKnownHostsFile": f'"{path}"', "GlobalKnownHostsFile": "/dev/null"}
    files = [name for name in os.environ.get(FILES_VARIABLE, "").split(":") if name]
    if files:
        quoted = " ".join(f'"{name}"' for name in files)
        return {**strict, "UserKnownHostsFile": quoted, "GlobalKnownHostsFile": "/dev/null"}
    return strict
