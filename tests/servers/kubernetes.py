"""Kubernetes: the API server and the etcd below it, built once by Go. What controllers and nodes do is not done."""

import json
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

from servers.cache import cached
from servers.golang import FAST_BUILD, build, key_of
from servers.process import Child, free_ports

ADMIN, PLAIN = "admin", "plain"

_SOURCES = tuple(Path(__file__).with_name(f"kubernetes.{kind}") for kind in ("mod", "sum"))
_VERSION = "1.37.2"
_PROGRAMS = {"etcd": "go.etcd.io/etcd/server/v3", "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver"}
_FLAGS = [*FAST_BUILD, f"-ldflags=-s -w -X k8s.io/component-base/version.gitVersion=v{_VERSION}"]


def fetch() -> Path:
    """The folder with the programs, which takes 5 to 15 minutes the first time. Raises `Missing`."""
    return cached(key_of("kubernetes", _SOURCES, _PROGRAMS, _FLAGS), lambda folder: build(folder, _SOURCES, _PROGRAMS, _FLAGS))


class KubernetesServer:
    """An API server over its own etcd, with its data in `folder`. `ADMIN` may do everything, `PLAIN` only ask what there is."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port, self._etcd_port, self._peer_port = free_ports(3)
        self.url = f"https://127.0.0.1:{self._port}"
        self._programs = fetch()
        self._etcd: Child | None = None
        self._api: Child | None = None
        rsa = ["openssl", "genrsa", "-out", str(folder / "accounts.key"), "2048"]
        subprocess.run(rsa, check=True, capture_output=True)
        self.write_tokens({ADMIN: "system:masters", PLAIN: "plain"})

    @property
    def authority(self) -> Path:
        """The certificate that clients check the server by."""
        return self._folder / "pki" / "apiserver.crt"

    def write_tokens(self, groups: dict[str, str]) -> None:
        """Who may log in: the token is the user's name. Read at the start only."""
        lines = [f'{user},{user},{user},"{group}"\n' for user, group in groups.items()]
        (self._folder / "tokens.csv").write_text("".join(lines))

    def start(self) -> Self:
        """Start what does not run, and return when it is ready."""
        if self._etcd is None or not self._etcd.runs:
            self._etcd = Child(self._etcd_command(), log=self._folder / "etcd.log")
        if self._api is None or not self._api.runs:
            self._api = Child(self._api_command(), log=self._folder / "kube-apiserver.log")
        self._api.wait_for(self._is_ready, "Kubernetes API server", timeout_s=120.0)
        return self

    def kill(self) -> None:
        """End the API server as a crash does; `start` brings it back with its data."""
        if self._api is not None:
            self._api.kill()

    def stop(self) -> None:
        """End it in order."""
        for child in (self._api, self._etcd):
            if child is not None:
                child.stop()

    def kubeconfig(self, path: Path, *, token: str = ADMIN, url: str = "") -> Path:
        """Write a kubeconfig for the user of `token` to `path`; for `url`, where something stands before the server."""
        cluster = {"server": url or self.url, "certificate-authority": str(self.authority)}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "user", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user"}}],
            "current-context": "test",
        }
        path.write_text(json.dumps(content))
        return path

    def call(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> tuple[int, Any]:
        """One request as `ADMIN`: what a test sets up and looks at without the code under test."""
        headers = {"Authorization": f"Bearer {ADMIN}", "Content-Type": content_type}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        context = ssl.create_default_context(cafile=str(self.authority))
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as exc:
            with exc:
                status, text = exc.code, exc.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, text

    def _is_ready(self) -> bool:
        try:
            return self.authority.exists() and self.call("GET", "/readyz")[0] == 200
        except (OSError, ValueError):
            return False

    def _etcd_command(self) -> list[str]:
        client, peer = (f"http://127.0.0.1:{port}" for port in (self._etcd_port, self._peer_port))
        return [
            str(self._programs / "etcd"),
            "--name=test",
            f"--data-dir={self._folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=test={peer}",
            "--log-level=warn",
        ]

    def _api_command(self) -> list[str]:
        keys = self._folder / "accounts.key"
        return [
            str(self._programs / "kube-apiserver"),
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            f"--secure-port={self._port}",
            f"--cert-dir={self._folder / 'pki'}",
            f"--service-account-issuer={self.url}",
            f"--service-account-key-file={keys}",
            f"--service-account-signing-key-file={keys}",
            "--authorization-mode=RBAC",
            f"--token-auth-file={self._folder / 'tokens.csv'}",
            "--service-cluster-ip-range=10.96.0.0/24",
            "--endpoint-reconciler-type=none",
            # Nothing makes the account that pods run as, and no pod of a test runs.
            "--disable-admission-plugins=ServiceAccount",
        ]
