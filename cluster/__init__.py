"""A Kubernetes cluster as the service speaks to it: access, discovery of kinds, reading and writing objects, what is allowed.

Triggers use it; it knows nothing of them. Objects are plain JSON as the API server tells them; only `access` and
`transport` import the client library.
"""
