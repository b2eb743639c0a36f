"""The `k8s` trigger: objects of a cluster made, changed and deleted, and what other triggers of a cluster share with it."""
