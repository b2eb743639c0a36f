"""The `argoWorkflow` trigger: what the `argo` program does to workflows, done through the API of the cluster."""
