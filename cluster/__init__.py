"""A Kubernetes cluster as the service speaks to it: access, discovery of kinds, reading and writing objects, what is allowed.

Triggers and sources both use it and it knows neither. Objects are plain JSON as the API server tells them; only `access` and
`transport` import the client library.
"""
