"""Scenario files from their paths to their results."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from manifests.load import Loaded, load_text
from manifests.load import load as load_files
from manifests.loading import Place
from manifests.objects import Scenario
from manifests.problems import Problem
from manifests.words import quoted
from tocsin.declared import Declarations, kinds, load
from tocsin.objects import problem_view
from tocsin.scenarios.checking import mistakes
from tocsin.scenarios.events import Unreadable
from tocsin.scenarios.judging import Failure
from tocsin.scenarios.playing import Played, orders, play
from tocsin.scenarios.seen import span
from tocsin.scenarios.virtual_time import NeverRests
from tocsin.views import Json


@dataclass(slots=True, kw_only=True)
class Result:
    """What one scenario came to, over all orders of its events up to the first that failed."""

    scenario: Scenario
    place: Place
    plays: list[Played] = field(default_factory=list)
    fault: str = ""
    """Why it could not be played to its end."""
    locate: Callable[[str], Place | None]

    @property
    def failed(self) -> Played | None:
        """The play that failed, where one did."""
        return next((one for one in self.plays if one.failures), None)

    @property
    def passed(self) -> bool:
        """Whether all is as expected."""
        return not self.fault and self.failed is None

    def view(self) -> Json:
        """As JSON."""
        shown = self.failed or (self.plays[-1] if self.plays else Played(order=()))
        failures = [self._failure(one) for one in shown.failures]
        if self.fault:
            failures.append(self._failure(Failure(path="spec", message=self.fault)))
        return {
            "name": self.scenario.ref.name,
            "file": self.place.file,
            "line": self.place.line,
            "passed": self.passed,
            "plays": len(self.plays),
            "order": list(shown.order) or None,
            "events": shown.events,
            "lasted": span(shown.lasted_us),
            "failures": failures,
            "firings": [one.view() for one in shown.firings],
        }

    def _failure(self, failure: Failure) -> Json:
        place = self.locate(failure.path) or self.place
        return {
            "file": place.file,
            "line": place.line,
            "column": place.column,
            "path": failure.path,
            "message": failure.message,
            "differences": [one._asdict() for one in failure.differences],
            "reasons": list(failure.reasons),
        }


@dataclass(slots=True)
class Tested:
    """All scenarios of some paths."""

    results: list[Result] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    """What is wrong with scenarios and their manifests, in the order found."""

    @property
    def wrong(self) -> bool:
        """Whether something could not be played because of how it is written."""
        return any(problem.is_error for problem in self.problems)

    def view(self) -> Json:
        """As JSON."""
        passed = sum(result.passed for result in self.results)
        return {
            "scenarios": [result.view() for result in self.results],
            "passed": passed,
            "failed": len(self.results) - passed,
            "problems": [problem_view(problem) for problem in self.problems],
        }


def play_all(paths: Sequence[str], *, name: str = "") -> Tested:
    """Play every scenario that `paths` hold, and whose name holds `name`. Raises nothing for what is written in them."""
    tested = Tested()
    read = cache(_read)
    for path in paths:
        loaded = load_files([path], kinds())
        _play_loaded(loaded, read, name, tested)
        refused = any(ref.kind == "Scenario" for ref in loaded.failed)
        if not loaded.scenarios and not refused and not loaded.errors:
            tested.problems.append(Problem(file=path, message="no scenario here: expected documents of the kind Scenario"))
    tested.problems = list(dict.fromkeys(tested.problems))
    if name and not tested.results and not tested.wrong:
        tested.problems.append(Problem(file=paths[0], message=f"no scenario here has a name that holds {quoted(name)}"))
    return tested


def play_text(text: str, file: str) -> Tested:
    """As `play_all`, for the text of one file that need not be there yet."""
    tested = Tested()
    _play_loaded(load_text(text, kinds(), file=file), _read, "", tested)
    return tested


class _Manifests(NamedTuple):
    """What scenarios test, and what is wrong with it."""

    declared: Declarations
    problems: Sequence[Problem]


def _read(paths: tuple[str, ...]) -> _Manifests:
    """Read manifests. Warnings about them are for `tocsin validate`."""
    declared = load(paths)
    found = (*declared.problems, *declared.compiled_problems())
    errors = [one for one in found if one.is_error and (one.ref is None or one.ref.kind != "Scenario")]
    return _Manifests(declared, errors)


def _play_loaded(loaded: Loaded, read: Callable[[tuple[str, ...]], _Manifests], name: str, tested: Tested) -> None:
    tested.problems += [one for one in loaded.problems if one.ref is None or one.ref.kind == "Scenario"]
    for scenario in loaded.scenarios.values():
        if name in scenario.ref.name:
            _play(scenario, loaded, partial(_beside, scenario, read), tested)


def _beside(scenario: Scenario, read: Callable[[tuple[str, ...]], _Manifests], names: Sequence[str]) -> _Manifests:
    """The manifests that `scenario` names, found from its folder."""
    return read(tuple(str(Path(scenario.file).parent / one) for one in names))


def _play(scenario: Scenario, loaded: Loaded, read: Callable[[Sequence[str]], _Manifests], tested: Tested) -> None:
    edits = [step.manifests for step, _ in scenario.steps if step.manifests is not None]
    manifests = [read(names) for names in (scenario.spec.manifests, *edits)]
    problems = [problem for one in manifests for problem in one.problems]
    problems += _placed(scenario, loaded, [one.declared for one in manifests])
    tested.problems += problems
    if any(problem.is_error for problem in problems):
        return
    place = loaded.places[scenario.ref]
    result = Result(scenario=scenario, place=place, locate=lambda path: loaded.locate(scenario.ref, path))
    tested.results.append(result)
    try:
        for order in orders(scenario):
            result.plays.append(play(scenario, lambda names: read(names).declared, order))
            if result.plays[-1].failures:
                return
    except (NeverRests, Unreadable) as exc:
        result.fault = str(exc)


def _placed(scenario: Scenario, loaded: Loaded, declared: Sequence[Declarations]) -> Iterator[Problem]:
    for path, message, severity in mistakes(scenario, declared):
        place = loaded.locate(scenario.ref, path) or loaded.places[scenario.ref]
        yield Problem(
            file=place.file,
            line=place.line,
            column=place.column,
            path=path,
            severity=severity,
            message=message,
            ref=scenario.ref,
        )
