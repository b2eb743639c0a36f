"""Collecting what is wrong with one object, each mistake at its place."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from manifests.objects import Dialect, ObjectRef
from manifests.problems import Problem, Severity
from manifests.words import did_you_mean, one_line, path_text
from manifests.yaml_nodes import Node
from manifests.yaml_values import Path, place

MAX_PROBLEMS = 200
"""Problems shown of one object; a file of nothing but mistakes would otherwise cost minutes to explain."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One mistake found by a rule: where, in the object, and in words."""

    path: Path
    message: str
    fatal: bool = True
    """Whether the whole object is refused for it, or only the part it stands in."""
    tolerated: bool = False
    """Whether it is a warning where the object is read as Argo Events reads it: it means something there."""


class Text(Protocol):
    """Where an object stands, for a report that holds on to no nodes."""

    def node(self) -> Node | None:
        """Read it again."""

    def moved(self, lines: int) -> "Text":
        """The same, so many lines further down."""


class Report:
    """The problems of one object. `node` is its text, None where it has none; `prefix` is where it stands in a list."""

    def __init__(self, file: str, node: Node | None = None, *, prefix: Path = ()) -> None:
        self.file = file
        self.node = node
        self.prefix = prefix
        self.ref: ObjectRef | None = None
        self.dialect = Dialect.ARGO
        self.refused = False
        self.faulty = False
        self._found: dict[Problem, None] = {}
        self._more = 0
        self._text: Text | None = None

    def settle(self, text: Text) -> None:
        """Let go of the nodes, which are many times as large as the text: whoever asks for a place has it read again."""
        self.node, self._text = None, text

    def moved(self, lines: int) -> "Report":
        """The same report of the same text, so many lines further down. Only after `settle`."""
        other = copy.copy(self)
        other.shift(lines)
        return other

    def shift(self, lines: int) -> None:
        """Move so many lines further down."""
        self._found = {moved(one, lines): None for one in self._found}
        self._text = None if self._text is None else self._text.moved(lines)

    def warning(self, path: Path, message: str) -> Problem:
        """As `warn`, for a problem that lies with other objects: it is returned and not kept."""
        return self._problem(Severity.WARNING, path, message, at_key=False)

    def error(self, path: Path, message: str) -> Problem:
        """As `warning`, for an error."""
        return self._problem(Severity.ERROR, path, message, at_key=False)

    @property
    def lenient(self) -> bool:
        """Whether the object is read as Argo Events reads it: unknown fields and nulls are ignored."""
        return self.dialect is Dialect.ARGO

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self._found

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What was found, each naming the object, once its name is known; at most `MAX_PROBLEMS` and a count of the rest."""
        found = list(self._found)
        if self._more:
            line, column = self.place(())
            found.append(
                Problem(file=self.file, line=line, column=column, message=f"{self._more:,} more problems in this object")
            )
        return tuple(replace(one, ref=self.ref) for one in found)

    def refuse(self, path: Path, message: str, *, at_key: bool = False) -> None:
        """An error for which the whole object is refused."""
        self.refused = True
        self.disable(path, message, at_key=at_key)

    def disable(self, path: Path, message: str, *, at_key: bool = False) -> None:
        """An error for which a part of the object does not run; the caller leaves that part out."""
        self.faulty = True
        self._add(Severity.ERROR, path, message, at_key)

    def warn(self, path: Path, message: str, *, at_key: bool = False) -> None:
        """Something that runs, but perhaps not as its author thinks."""
        self._add(Severity.WARNING, path, message, at_key)

    def unknown_field(self, path: Path, known: Iterable[str], *, what: str = "field") -> None:
        """A field nobody reads: ignored with a warning, or an error where the dialect is strict. Names the nearest of `known`."""
        # Finding the nearest word is slow, so not for problems that nobody will see.
        message = f"unknown {what}{did_you_mean(str(path[-1]), known) if len(self._found) < MAX_PROBLEMS else ''}"
        if self.lenient:
            self.warn(path, f"{message}; ignored", at_key=True)
        else:
            self.refuse(path, message, at_key=True)

    def take(self, faults: Iterable[Fault]) -> bool:
        """Report each of `faults` as severe as it is; return whether there was any that costs something."""
        taken = False
        for fault in faults:
            if fault.tolerated and self.lenient:
                self.warn(fault.path, fault.message)
                continue
            taken = True
            (self.refuse if fault.fatal else self.disable)(fault.path, fault.message)
        return taken

    def unreadable(self, line: int, column: int, message: str) -> None:
        """An error of the text itself, at its own place; the whole object is refused."""
        self.refused = self.faulty = True
        self._keep(Problem(file=self.file, line=line, column=column, message=message))

    def place(self, path: Path, *, key: bool = False) -> tuple[int, int]:
        """Line and column of `path`, or of its nearest parent."""
        return place(self.node if self._text is None else self._text.node(), path, key=key)

    def _add(self, severity: Severity, path: Path, message: str, at_key: bool) -> None:
        if len(self._found) >= MAX_PROBLEMS:
            self._more += 1
            return
        self._keep(self._problem(severity, path, message, at_key=at_key))

    def _problem(self, severity: Severity, path: Path, message: str, *, at_key: bool) -> Problem:
        line, column = self.place(path, key=at_key)
        text = path_text((*self.prefix, *path))
        words = one_line(message)  # a kind's own rule may have quoted anything
        return Problem(file=self.file, line=line, column=column, path=text, severity=severity, message=words, ref=self.ref)

    def _keep(self, problem: Problem) -> None:
        if len(self._found) >= MAX_PROBLEMS:
            self._more += 1
        else:
            self._found[problem] = None


def moved(problem: Problem, lines: int) -> Problem:
    """`problem`, so many lines further down; one without a place has none there either."""
    return replace(problem, line=problem.line + lines) if problem.line else problem
