"""What is wrong with a manifest, said so that its author can mend it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from manifests.objects import ObjectRef


class Severity(StrEnum):
    """Whether the part named still runs."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Problem:
    """One mistake at one place. `line` and `column` count from 1; 0 where there is no text to point at."""

    file: str
    line: int = 0
    column: int = 0
    path: str = ""
    severity: Severity = Severity.ERROR
    message: str = ""
    ref: ObjectRef | None = field(default=None, compare=False)
    """The object it is about, where that is known."""

    @property
    def is_error(self) -> bool:
        """Whether it keeps something from running."""
        return self.severity is Severity.ERROR

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        kind = "warning: " if self.severity is Severity.WARNING else ""
        return f"{where}: {kind}{self.path + ': ' if self.path else ''}{self.message}"


class ManifestError(Exception):
    """The user wrote something we cannot accept. Carries every problem found, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
