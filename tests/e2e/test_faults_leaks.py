"""A canary in every place that holds a secret, also where it is of no use: it must come out nowhere but at its target."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from service_process import Service, Target, ask, calling, free_port, running, tocsin, webhook

CANARY = "canary-7c31-\u00e9"
BROKEN = f"{CANARY}\nsecond-line"
PEM = f"-----BEGIN CERTIFICATE-----\n{base64.b64encode(CANARY.encode()).decode()}\n-----END CERTIFICATE-----\n"


def disguises(*texts: str) -> list[bytes]:
    """The texts as they stand and as JSON, base64 and a URL would carry them."""
    found = set()
    for text in texts:
        raw = text.encode()
        found |= {raw, json.dumps(text)[1:-1].encode(), base64.b64encode(raw), quote(text).encode(), repr(text)[1:-1].encode()}
        found |= {base64.b64encode(f"{text}:{text}".encode()), raw.hex().encode()}
    return sorted(found)


SECRETS = f"""
apiVersion: v1
kind: Secret
metadata: {{name: gate}}
stringData: {{token: {json.dumps(CANARY)}, broken: {json.dumps(BROKEN)}, pem: {json.dumps(PEM)}}}
"""
GITHUB = """
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: code}}
spec:
  github:
    push:
      webhook: {{endpoint: /github, port: "{port}", method: POST}}
      organizations: [o]
      events: ["*"]
      webhookSecret: {{name: gate, key: token}}
"""
PEM_KEY = "{name: gate, key: pem}"
TLS = f"tls: {{caCertSecret: {PEM_KEY}, clientCertSecret: {PEM_KEY}, clientKeySecret: {{name: gate, key: token}}}}"


def _key(key: str) -> str:
    return f"{{secretKeyRef: {{name: gate, key: {key}}}}}"


def _sensors(url: str) -> list[str]:
    basic = "          basicAuth: {username: {name: gate, key: token}, password: {name: gate, key: token}}\n"
    broken = f"          secureHeaders: [{{name: X-Token, valueFrom: {_key('broken')}}}]\n"
    return [
        calling("works", url, more=f"          secureHeaders: [{{name: X-Token, valueFrom: {_key('token')}}}]\n{basic}"),
        calling("broken-header", url, more=broken),
        calling("broken-basic", url, more=basic.replace("key: token}}", "key: broken}}")),
        calling("broken-tls", url.replace("http:", "https:"), more=f"          {TLS}\n"),
    ]


def test_a_secret_comes_out_at_its_target_and_nowhere_else_however_it_is_misused(tmp_path: Path) -> None:
    port = free_port()
    bearer = {"Authorization": f"Bearer {CANARY}".encode().decode("latin-1")}
    with Target().serving() as target:
        secured = webhook("hooks", port).replace("method: POST}", "method: POST, authSecret: {name: gate, key: token}}")
        sensors = _sensors(f"http://127.0.0.1:{target.port}/")
        (tmp_path / "m.yaml").write_text("---".join([SECRETS, secured, GITHUB.format(port=port), *sensors]))
        target.status = 500
        with running(str(tmp_path / "m.yaml"), "-vv", data=tmp_path / "data") as service:
            for headers in (bearer, {"Authorization": "Bearer wrong"}, bearer | {"Authorization": bearer["Authorization"] + "x"}):
                ask(f"http://127.0.0.1:{port}/push", method="POST", body=b'{"ref": "refs/heads/main"}', headers=JSON | headers)
            delivery = {"X-GitHub-Event": "push", "X-GitHub-Delivery": "1", "X-Hub-Signature-256": "sha256=" + "0" * 64}
            assert ask(f"http://127.0.0.1:{port}/github", method="POST", body=b"{}", headers=JSON | delivery)[0] == 401
            firings = service.wait_for("/api/v1/firings", _all_ended)["items"]
            assert {item["sensor"]: item["state"] for item in firings}.keys() == {
                "works", "broken-header", "broken-basic", "broken-tls",
            }  # fmt: skip
            assert all(item["state"] != "succeeded" for item in firings)
            pages = _every_answer(service)
            assert service.stop() == 0
        sent = [headers for headers, _ in target.received if "X-Token" in headers]
        assert sent, "the secret reaches its target"
        assert CANARY.encode() in {headers["X-Token"].encode("latin-1", "replace") for headers in sent}
        found = [(name, form) for name, page in pages.items() for form in disguises(CANARY, BROKEN) if form in page]
        assert found == []
        said = service.said().encode()
        assert [form for form in disguises(CANARY, BROKEN) if form in said] == []
        for file in (path for path in (tmp_path / "data").rglob("*") if path.is_file()):
            assert [form for form in disguises(CANARY, BROKEN) if form in file.read_bytes()] == [], file


JSON = {"Content-Type": "application/json"}


def _all_ended(page: dict[str, Any]) -> bool:
    return len(page["items"]) == 4 and all(item["state"] != "open" for item in page["items"])


def _every_answer(service: Service) -> dict[str, bytes]:
    """What the API and the commands say about everything there is."""
    paths = ["events", "firings", "dead-letters", "sources", "sensors"]
    paths += [f"{kind}/{item['name']}" for kind in ("sources", "sensors") for item in service.get(f"/api/v1/{kind}")["items"]]
    for event in service.get("/api/v1/events")["items"]:
        paths += [f"events/{event['id']}", f"explain?id={event['id']}", f"trace?id={event['id']}"]
    for firing in service.get("/api/v1/firings")["items"]:
        paths += [f"firings/{firing['id']}", f"why?id={firing['id']}", f"dead-letters/{firing['id']}"]
    pages = {path: ask(f"{service.api}/api/v1/{path}")[2] for path in paths}
    pages |= {path: ask(f"{service.api}/{path}")[2] for path in ("metrics", "readyz", "livez")}
    commands = [["events"], ["firings"], ["dead-letters"], ["sources"], ["sensors"]]
    for command in commands:
        done = tocsin(*command, "--data", str(service.data))
        pages[" ".join(command)] = (done.stdout + done.stderr).encode()
    return pages


def test_a_secret_in_a_manifest_that_is_wrong_is_in_no_problem(tmp_path: Path) -> None:
    wrong = [
        SECRETS.replace("kind: Secret", "kind: Secrets"),
        SECRETS.replace("stringData: {", "stringData: {x: [1], "),
        SECRETS.replace("stringData: {", "data: {"),
        SECRETS.replace("stringData", "stringDatas"),
        SECRETS.replace("metadata: {name: gate}", "metadata: {name: [gate]}"),
        SECRETS.rstrip().removesuffix("}"),
        SECRETS.replace("token:", "token: token:"),
        SECRETS + "stringData: {}\n",
    ]
    (tmp_path / "all").mkdir()
    for number, text in enumerate(wrong):
        (tmp_path / "all" / f"{number}.yaml").write_text(text)
    for options in ([], ["-o", "json"]):
        done = tocsin("validate", str(tmp_path / "all"), *options)
        assert done.returncode in (1, 2)
        said = (done.stdout + done.stderr).encode()
        assert said.count(b".yaml") >= len(wrong) - 1
        assert [form for form in disguises(CANARY) if form in said] == [], said
