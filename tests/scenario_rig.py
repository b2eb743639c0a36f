"""Scenarios written for a test, and what became of them."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tocsin.cli.root import tocsin

SOURCES = """
apiVersion: tocsin.dev/v1
kind: EventSource
metadata: {name: shop}
spec:
  webhook:
    order: {endpoint: /order, port: "12000", method: POST}
    paid: {endpoint: /paid, port: "12000", method: POST}
"""


def sensor(dependencies: str, triggers: str, name: str = "s") -> str:
    """A sensor in our dialect; both lists in flow style."""
    head = f"apiVersion: tocsin.dev/v1\nkind: Sensor\nmetadata: {{name: {name}}}\n"
    return f"{head}spec:\n  dependencies: [{dependencies}]\n  triggers: [{triggers}]\n"


ORDER = "{name: order, eventSourceName: shop, eventName: order}"
PAID = "{name: paid, eventSourceName: shop, eventName: paid}"
CALL = (
    "{template: {name: call, http: {url: 'http://target.example/x', method: POST, "
    "payload: [{src: {dependencyName: order, dataKey: id}, dest: id}]}}}"
)
SIMPLE = sensor(ORDER, CALL)


def order(id: str = "a", **data: Any) -> str:
    """An event in flow style."""
    return f"{{source: shop, name: order, id: {id}, data: {json.dumps({'id': id} | data)}}}"


class Files:
    """A folder with manifests and a scenario."""

    def __init__(self, folder: Path, *manifests: str) -> None:
        self.folder = folder
        (folder / "manifests.yaml").write_text("\n---\n".join([SOURCES, *(manifests or [SIMPLE])]))

    def scenario(self, spec: str, name: str = "one", file: str = "test.yaml") -> Path:
        """Write a scenario; `spec` is indented by two."""
        path = self.folder / file
        path.write_text(f"apiVersion: tocsin.dev/v1\nkind: Scenario\nmetadata: {{name: {name}}}\nspec:\n{spec}")
        return path

    def run(self, *options: str, path: str = "", code: int = 0) -> str:
        """What `tocsin test` prints."""
        done = CliRunner().invoke(tocsin, ["test", *options, path or str(self.folder)], catch_exceptions=False)
        assert done.exit_code == code, done.output
        return done.output

    def play(self, spec: str, code: int = 0) -> Any:
        """What `tocsin test -o json` prints of the one scenario, written now."""
        self.scenario(spec)
        found = json.loads(self.run("-o", "json", code=code))
        return found["scenarios"][0] if found["scenarios"] else found["problems"]

    def passes(self, spec: str) -> Any:
        """Write and play a scenario that passes."""
        return self.play(spec)

    def messages(self, spec: str) -> list[str]:
        """Write and play a scenario that fails; what it says."""
        return [failure["message"] for failure in self.play(spec, code=1)["failures"]]
