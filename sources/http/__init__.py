"""The shared HTTP listener of all sources that are called: routes, limits, answers, signatures.

Knows no kind. A kind is an `HttpSource` in a file of its own in `sources/`, and the service adds it to an `HttpListener`.
"""
