"""How one event is decided where some of its rules are asked beside the loop."""

from collections.abc import Generator, Sequence
from typing import NamedTuple

from eventbus.contract import DependencyRef
from sensors.beside.asking import Asking, Question, Taken, keep_made
from sensors.beside.heavy import Heavy
from sensors.beside.wire import Answer
from sensors.bound import EventView
from sensors.erring import SLOW_S, Erring
from sensors.filters.held import Held
from sensors.live import Entry


class Answered(NamedTuple):
    """What became of the rules on one event's road."""

    here: list[Entry]
    """Those that are still to be asked, in the loop."""
    matched: list[Entry]
    errors: list[DependencyRef]


def asked_beside(
    entries: Sequence[Entry], view: EventView, heavy: Heavy, erring: Erring, decided_us: int
) -> Generator[Asking, Taken | None, Answered]:
    """Have those of `entries` that take long asked beside the loop, as far as somebody does that."""
    left = [entry for entry in entries if entry.dependency.ref in heavy.rules]
    found = Answered([entry for entry in entries if entry.dependency.ref not in heavy.rules], [], [])
    asked: list[DependencyRef] = []
    processor_s = 0.0
    while left:
        questions = [_question(entry, erring) for entry in left]
        answers = (yield Asking(view, questions)) or ()
        for entry, question, answer in zip(left, questions, answers, strict=False):
            if answer is None or answer.held is None:
                found.here.append(entry)
                continue
            processor_s += answer.processor_s
            asked.append(entry.dependency.ref)
            keep_made(question, view, answer)
            _take(entry, answer, found, erring, decided_us)
        left = left[len(answers) :]
        if not answers:
            break
    # What was declared anew meanwhile begins in the loop again.
    heavy.note([ref for ref in asked if ref in heavy.rules], processor_s)
    found.here.extend(left)
    return found


def _question(entry: Entry, erring: Erring) -> Question:
    ref = entry.dependency.ref
    return Question(entry.dependency, erring.share(ref), erring.will_say(ref))


def _take(entry: Entry, answer: Answer, found: Answered, erring: Erring, decided_us: int) -> None:
    ref, held = entry.dependency.ref, Held(answer.held)
    if held is Held.YES:
        found.matched.append(entry)
    if held is Held.ERROR:
        found.errors.append(ref)
        erring.erred(ref, lambda: answer.reason, decided_us)
    else:
        erring.answered(ref)
    if answer.processor_s > SLOW_S:
        erring.took(ref, answer.processor_s, decided_us, failed=held is Held.ERROR)
