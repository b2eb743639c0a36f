"""What of the declared language this version runs. A part that needs more is `Unsupported`, said loudly, never run wrongly."""

from enum import StrEnum


class Feature(StrEnum):
    """One part of the language, by the words a user knows it by."""

    EXPRS = "filters.exprs"
    TIME = "filters.time"
    SCRIPT = "filters.script"
    TRANSFORM = "transform"
    JOIN = "conditions that join dependencies with &&"
    CONDITIONS_RESET = "conditionsReset"
    K8S_POLICY = "policy.k8s"
    DLQ = "dlqTrigger"
    SOURCE_FILTER = "filter.expression"


BUILT: frozenset[Feature] = frozenset(
    (
        Feature.EXPRS,
        Feature.TIME,
        Feature.SCRIPT,
        Feature.TRANSFORM,
        Feature.JOIN,
        Feature.CONDITIONS_RESET,
        Feature.K8S_POLICY,
        Feature.DLQ,
        Feature.SOURCE_FILTER,
    )
)
"""The features this version runs. A feature joins this set in the change that builds it."""


def unsupported(what: str, consequence: str) -> str:
    """The one wording of a problem about something known that is not built."""
    return f"Unsupported: {what} is known but not built into this version; {consequence}"
