"""A certificate that is renewed in its files while the service runs, at first by half."""

import shutil
import ssl
import urllib.request
from pathlib import Path

import pytest
from servers.certificates import make_certificates
from service_process import free_port, running
from waiting import wait_until

pytestmark = pytest.mark.usefixtures("openssl")

MANIFEST = """
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: hooks}}
spec:
  webhook:
    push:
      endpoint: /push
      port: "{port}"
      method: POST
      serverCertSecret: {{name: listener, key: tls.crt}}
      serverKeySecret: {{name: listener, key: tls.key}}
"""


def post(port: int, authority: Path) -> int:
    trust = ssl.create_default_context(cafile=str(authority / "ca.pem"))
    request = urllib.request.Request(f"https://127.0.0.1:{port}/push", data=b"{}", headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10, context=trust) as answer:
        return int(answer.status)


def test_a_renewed_certificate_is_served_and_a_half_renewed_one_is_named_and_not(tmp_path: Path) -> None:
    old, new, port = tmp_path / "old", tmp_path / "new", free_port()
    for folder in (old, new):
        folder.mkdir()
        make_certificates(folder)
    mounted = tmp_path / "secrets" / "listener"
    mounted.mkdir(parents=True)
    shutil.copy(old / "leaf.pem", mounted / "tls.crt")
    shutil.copy(old / "leaf.key", mounted / "tls.key")
    manifest = tmp_path / "hooks.yaml"
    manifest.write_text(MANIFEST.format(port=port))
    env = {"TOCSIN_SECRETS_DIR": str(mounted.parent)}
    with running(str(manifest), data=tmp_path / "data", env=env) as service:
        assert post(port, old) == 200
        shutil.copy(new / "leaf.pem", mounted / "tls.crt")
        (degraded,) = service.wait_for("/readyz", lambda found: found["degraded"])["degraded"]
        assert degraded["name"] == "EventSource/default/hooks"
        assert degraded["reason"].startswith("event push: serverCertSecret, serverKeySecret: not a PEM certificate with its")
        assert post(port, old) == 200
        assert '"event":"certificate_kept"' in service.said().replace(" ", "")
        shutil.copy(new / "leaf.key", mounted / "tls.key")
        assert post(port, new) == 200
        service.wait_for("/readyz", lambda found: not found["degraded"])
        wait_until(lambda: "certificate_changed" in service.said())
