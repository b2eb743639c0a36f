"""What the decider asks of whoever can ask rules beside the event loop, and what it takes back."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from sensors.beside.wire import Answer
from sensors.bound import EventView
from sensors.compile import CompiledDependency


class Question(NamedTuple):
    """One rule of `Asking`."""

    dependency: CompiledDependency
    share: float
    """The part of its time that it gets."""
    reason: bool
    """Whether to say why, where it fails."""


class Asking(NamedTuple):
    """Rules that take long, and the event they are asked about."""

    view: EventView
    questions: Sequence[Question]


Taken = Sequence[Answer | None]
"""One answer for each of the first questions, None for one that is to be asked in the loop; nothing where all are."""

AskBeside = Callable[[Asking], Awaitable[Taken]]
"""Asks rules beside the loop. Never raises for what rules do; cancelled, it has answered nothing."""


async def nowhere(asking: Asking) -> Taken:
    """There is no place beside the loop."""
    del asking
    return ()


def keep_made(question: Question, view: EventView, answer: Answer) -> None:
    """Keep what a transform made of the event in the helper, so that nobody makes it again here."""
    transform = question.dependency.transform
    if transform is not None and answer.data is not None:
        transform.keep(view, view.now_us, answer.data)
