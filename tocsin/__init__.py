"""The service: command line, supervisor, HTTP API, metrics, logs, secrets. The only place that wires the other packages."""

__version__ = "0.1.0"
