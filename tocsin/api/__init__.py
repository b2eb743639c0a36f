"""The HTTP API: health, metrics, and the journal's answers as JSON. Errors are `application/problem+json` on every route."""
