"""The helper: asks rules for the service that started it, until that closes its end. It reads and writes nothing else."""

import contextlib
import gc
import os
import signal
from typing import BinaryIO

from sensors.beside.answering import Answering
from sensors.beside.wire import LENGTH, asked, frame
from sensors.languages import time_limit

_FIRST_TO_GO = "500"
"""Where memory runs out, the system ends the helper and not the service."""


def main() -> None:
    """Answer what comes on stdin, on stdout, which nobody else writes to."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # sent to all at once; the service ends it when it has no more questions
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write(_FIRST_TO_GO)
    time_limit.be_precise()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    gc.freeze()
    with os.fdopen(0, "rb", closefd=False) as questions, out, contextlib.suppress(BrokenPipeError):
        serve(questions, out)


def serve(questions: BinaryIO, out: BinaryIO) -> None:
    """Answer until `questions` ends."""
    answering = Answering()
    out.write(frame([]))  # everything is imported
    out.flush()
    while len(head := questions.read(LENGTH.size)) == LENGTH.size:
        (length,) = LENGTH.unpack(head)
        out.write(frame(answering.answer(asked(questions.read(length)))))
        out.flush()
