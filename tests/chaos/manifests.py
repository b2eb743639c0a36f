"""What the service runs during the campaign."""

from pathlib import Path

from chaos.senders import SECRET

_MANIFESTS = """\
apiVersion: v1
kind: Secret
metadata: {{name: github}}
stringData: {{webhook: {secret}}}
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: pushes}}
spec:
  github:
    push:
      repositories: [{{owner: o, names: [r]}}]
      webhook: {{endpoint: /push, port: "{github_port}", method: POST}}
      events: [push]
      webhookSecret: {{name: github, key: webhook}}
---
apiVersion: argoproj.io/v1alpha1
kind: EventSource
metadata: {{name: hooks}}
spec:
  webhook:
    hook: {{endpoint: /hook, port: "{hook_port}", method: POST}}
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {{name: deploys}}
spec:
  dependencies:
    - name: main
      eventSourceName: pushes
      eventName: push
      filters: {{data: [{{path: body.ref, type: string, value: ["^refs/heads/main$"]}}]}}
  triggers:
    - template:
        name: deploy
        http:
          url: {target}
          method: POST
          headers: {{Content-Type: application/json}}
          timeout: 5
          payload:
            - {{src: {{dependencyName: main, dataKey: body.n}}, dest: number}}
            - {{src: {{dependencyName: main, dataKey: body.after}}, dest: commit}}
      retryStrategy: {{steps: 1000, duration: 200ms, jitter: 0.5}}
---
apiVersion: argoproj.io/v1alpha1
kind: Sensor
metadata: {{name: orders}}
spec:
  dependencies:
    - name: order
      eventSourceName: hooks
      eventName: hook
      filters: {{data: [{{path: body.kind, type: string, value: [order]}}]}}
  triggers:
    - template:
        name: order
        http:
          url: {target}
          method: POST
          headers: {{Content-Type: application/json}}
          timeout: 5
          payload:
            - {{src: {{dependencyName: order, dataKey: body.n}}, dest: number}}
            - {{src: {{dependencyName: order, contextKey: id}}, dest: event}}
      retryStrategy: {{steps: 1000, duration: 200ms, jitter: 0.5}}
"""


def write(folder: Path, *, github_port: int, hook_port: int, target_port: int) -> None:
    """Write the manifests into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    text = _MANIFESTS.format(
        secret=SECRET.decode(), github_port=github_port, hook_port=hook_port, target=f"http://127.0.0.1:{target_port}/act"
    )
    (folder / "campaign.yaml").write_text(text)
