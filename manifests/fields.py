"""Field types that several kinds share, as Argo Events spells them."""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel

_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_LONGEST_S = 290 * 365.25 * 86_400
_UNIT_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Spec(BaseModel):
    """What one kind lets a user write: frozen, camelCase in YAML, no field unknown, no type coerced.

    The loader turns unknown fields into warnings where the dialect tolerates them; the model itself always refuses.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )

    def unsupported(self) -> Iterable[tuple[tuple[str, ...], str]]:
        """What is declared here and known, but not built: each with its path and its name. An event that has any does not run."""
        return ()


def parse_duration(value: object) -> timedelta:
    """Return the duration that `value` writes: Go duration text (`1h30m`, `1.5s`), or an integer in nanoseconds.

    Raises `ValueError` on anything else, bare numbers in quotes and days included, as Go's parser does.
    """
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return _within_bounds(value, 1e-9)
    if isinstance(value, str):
        sign, text = (-1.0, value[1:]) if value[:1] == "-" else (1.0, value.removeprefix("+"))
        parts = _DURATION_PART.findall(text)
        if text == "0":
            return timedelta(0)
        if parts and "".join(number + unit for number, unit in parts) == text:
            return _within_bounds(sign * sum(float(number) * _UNIT_S[unit] for number, unit in parts), 1.0)
    raise ValueError("expected a duration such as 30s, 5m or 1h30m")


def _within_bounds(amount: float, unit_s: float) -> timedelta:
    if abs(amount) > _LONGEST_S / unit_s:  # an integer of any size can be compared, and not converted
        raise ValueError("expected a duration of at most 290 years, as Go has them")
    return timedelta(seconds=amount * unit_s)


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(lambda value: f"{value.total_seconds():g}s", return_type=str),
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "integer"}], "description": "30s, 5m, 1h30m; an integer is nanoseconds"}
    ),
]
"""A span of time, written as Kubernetes users write it."""


class KeySelector(Spec):
    """One key of a Secret or ConfigMap in the object's own namespace."""

    name: str = ""
    key: str
    optional: bool = False
    """Accepted for compatibility; a missing value is always a problem, as upstream."""


class SecretRef(KeySelector):
    """A key of a Secret."""


class ConfigMapRef(KeySelector):
    """A key of a ConfigMap."""


class ValueFrom(Spec):
    """Where a value comes from: a Secret or a ConfigMap."""

    secret_key_ref: SecretRef | None = None
    config_map_key_ref: ConfigMapRef | None = None


class BasicAuth(Spec):
    """User name and password of HTTP basic authentication; a missing part is empty."""

    username: SecretRef | None = None
    password: SecretRef | None = None


class TLSConfig(Spec):
    """How a client does TLS. Valid with `insecureSkipVerify`, or a CA, or certificate and key together, or `enabled`."""

    ca_cert_secret: SecretRef | None = Field(default=None, alias="caCertSecret")
    client_cert_secret: SecretRef | None = None
    client_key_secret: SecretRef | None = None
    insecure_skip_verify: bool = False
    enabled: bool = False


class GithubApp(Spec):
    """Credentials of a GitHub App."""

    private_key: SecretRef
    """PEM private key."""
    app_id: int = Field(alias="appID")
    """Id of the app."""
    installation_id: int = Field(alias="installationID")
    """Id of its installation."""


class Backoff(Spec):
    """Attempts and the time between them, with upstream's defaults."""

    duration: Duration = Field(default=timedelta(seconds=1), json_schema_extra={"default": "1s"})
    """First delay."""
    factor: float = 1.0
    """Multiplies the delay after each attempt."""
    jitter: float = 1.0
    """Adds a uniform random share of the delay, up to this many times it; 0 turns it off."""
    steps: int = Field(default=0, ge=-(2**31), le=2**31 - 1)
    """Attempts in all, the first included; 5 when 0 or less."""

    @property
    def attempts(self) -> int:
        """Attempts in all, at least one."""
        return self.steps if self.steps > 0 else 5


class EventFilter(Spec):
    """An expression over the event's data that must be true for the source to emit it."""

    expression: str = ""


JsonObject = Mapping[str, Any]
"""A JSON object as parsed, where a kind's own module says what is in it."""
