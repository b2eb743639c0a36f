"""The process that asks rules beside the event loop: started when first needed, and again when it ends.

While there is none, or it does not know a rule yet, whoever asks is told to ask in the loop: nothing waits for it to come up.
"""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import structlog

from eventbus.event import UNPARSED
from sensors.beside import wire
from sensors.beside.asking import Asking, Taken
from sensors.compile import CompiledDependency

logger = structlog.get_logger("sensors")

COMMAND = (sys.executable, "-P", "-c", "from sensors.beside.process import main; main()")
PATIENCE_S = 10.0
"""Seconds without an answer after which the helper is ended: no rule may take so long."""
GOES_S = 1.0
"""Seconds that it has to end by itself; a rule that it is asked may take a few tenths."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
"""Between two starts of a helper that ends by itself; doubled each time."""
GAVE_UP = "whoever asked gave up waiting for the answer"
"""Why a helper is ended from which an answer is on its way that nobody wants any more."""
KNOWN = 1024
"""Rules that the helper knows; for more it forgets all and begins anew."""


class HelperLost(Exception):
    """The helper has ended, or does not answer."""


class _Pipe(NamedTuple):
    process: subprocess.Popen[bytes]
    to: asyncio.StreamWriter
    back: asyncio.StreamReader

    async def exchange(self, message: wire.Learn | wire.Ask | None) -> wire.Answers:
        """The answers to `message`; None waits for the word that it is up. Raises `HelperLost`."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                if message is not None:
                    self.to.write(wire.frame(message))
                    await self.to.drain()
                (length,) = wire.LENGTH.unpack(await self.back.readexactly(wire.LENGTH.size))
                return wire.answers(await self.back.readexactly(length))
        except (TimeoutError, OSError, asyncio.IncompleteReadError, msgspec.MsgspecError) as exc:
            raise HelperLost(f"{type(exc).__name__}: {exc}") from exc


class Helper:
    """One helper process, kept running once it was needed. Use from one event loop."""

    name = "helper"

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self.ready = asyncio.Event()
        self._command = command
        self._wake = asyncio.Event()
        self._stopping = False
        self._turn = asyncio.Lock()
        self._pipe: _Pipe | None = None
        """Where it answers; None while there is none."""
        self._numbers: dict[CompiledDependency, int] = {}
        """The rules that it knows."""
        self._to_learn: dict[CompiledDependency, None] = {}
        self._lost = GAVE_UP
        """Why it was given up last."""
        self._needed = False
        self._learning = False

    async def run(self) -> None:
        """Run until `stop`."""
        self.ready.set()
        pause_s, loop = FIRST_PAUSE_S, asyncio.get_running_loop()
        while await self._wanted():
            began = loop.time()
            try:
                async with self._running() as pipe:
                    await self._teach(pipe)
            except (HelperLost, OSError) as exc:
                logger.warning("helper_ended", reason=str(exc), hint="rules that take long are asked in the loop meanwhile")
            if loop.time() - began > 2 * LONGEST_PAUSE_S:
                pause_s = FIRST_PAUSE_S
            await self._sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def stop(self) -> None:
        """Have no more rules asked beside the loop; the helper ends."""
        self._stopping = True
        self._wake.set()

    def make_ready(self) -> None:
        """Something takes long: start, where it is not done yet. Costs nothing more afterwards."""
        if not self._needed:
            self._needed = True
            self._wake.set()

    async def ask(self, asking: Asking) -> Taken:
        """See `AskBeside`."""
        known = [(question, self._numbers.get(question.dependency)) for question in asking.questions]
        self._learn([question.dependency for question, number in known if number is None])
        pipe, event = self._pipe, asking.view.event
        if pipe is None or self._learning or len(event.data or b"") > wire.MAX_DATA_BYTES:
            return ()
        rules = [wire.Rule(number, question.share, question.reason) for question, number in known if number is not None]
        if not rules:
            return ()
        if event.tree is not UNPARSED:
            event = msgspec.structs.replace(event, tree=UNPARSED)
        answers = await self._exchange(pipe, wire.Ask(event, asking.view.now_us, rules))
        return _placed([number is not None for _, number in known], answers)

    def _learn(self, unknown: Sequence[CompiledDependency]) -> None:
        if unknown and len(self._to_learn) < KNOWN:
            self._to_learn.update(dict.fromkeys(unknown))
            self._wake.set()

    async def _exchange(self, pipe: _Pipe, message: wire.Learn | wire.Ask) -> wire.Answers:
        """The answers; none where the helper is lost, or where the event cannot be sent."""
        async with self._turn:
            if pipe is not self._pipe:
                return []
            done = False
            try:
                answers = await pipe.exchange(message)
                done = True
                return answers
            except UnicodeEncodeError:
                done = True
                return []
            except HelperLost as exc:
                self._lost = str(exc)
                return []
            finally:
                if not done:  # cancelled, too: the answer that is on its way belongs to nobody
                    self._pipe = None
                    self._wake.set()

    async def _wanted(self) -> bool:
        """Wait until something takes long; False when stopping."""
        while not self._stopping and not (self._needed or self._to_learn):
            await self._woken()
        return not self._stopping

    async def _woken(self) -> None:
        await self._wake.wait()
        self._wake.clear()

    async def _teach(self, pipe: _Pipe) -> None:
        """Have the helper learn what it is asked, until `stop`. Raises `HelperLost` when it has ended."""
        while not self._stopping:
            if self._pipe is not pipe:
                raise HelperLost(self._lost)
            some, self._to_learn = [one for one in self._to_learn if one not in self._numbers], {}
            if some:
                await self._learned(pipe, some)
            else:
                await self._woken()

    async def _learned(self, pipe: _Pipe, some: Sequence[CompiledDependency]) -> None:
        anew = len(self._numbers) + len(some) > KNOWN
        first = 0 if anew else len(self._numbers)
        numbers = {one: first + at for at, one in enumerate(some)}
        rules = {number: one.declared.model_dump_json(by_alias=True).encode() for one, number in numbers.items()}
        self._learning = True
        try:
            await self._exchange(pipe, wire.Learn(rules, anew))
        finally:
            self._learning = False
        self._numbers = numbers if anew else self._numbers | numbers

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[_Pipe]:
        """A helper that is up. Nothing is left of it after the block. Raises `HelperLost`, `OSError`."""
        process, ours = await asyncio.to_thread(_start, self._command)
        back, to = await asyncio.open_connection(sock=ours)
        try:
            pipe = _Pipe(process, to, back)
            await pipe.exchange(None)
            self._numbers, self._pipe, self._lost = {}, pipe, GAVE_UP
            logger.info("helper_started", pid=process.pid)
            yield pipe
        finally:
            self._pipe, self._numbers = None, {}
            to.close()
            with contextlib.suppress(OSError):
                await to.wait_closed()
            await asyncio.to_thread(_end, process)

    async def _sleep(self, seconds: float) -> None:
        if not self._stopping:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    while not self._stopping:
                        await self._woken()


def _start(command: Sequence[str]) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """Start it, and our end of the way to it and back.

    Not by the loop, which copies the map of its memory for that: 18 ms, where the service holds half a gigabyte.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            end = theirs.fileno()
            return subprocess.Popen(command, stdin=end, stdout=end, env=_environment()), ours  # noqa: S603  a part of this program
        except BaseException:  # only to undo: nobody else knows our end
            ours.close()
            raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait until it has gone, as it does when our end is closed; kill it where it is stuck."""
    try:
        process.wait(GOES_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _placed(known: Sequence[bool], answers: wire.Answers) -> list[wire.Answer | None]:
    """The answers where their rules stood, None for the others; up to the first that is known and was not answered."""
    found: list[wire.Answer | None] = []
    rest = iter(answers)
    for one in known:
        answer = next(rest, None) if one else None
        if one and answer is None:
            break
        found.append(answer)
    return found


def _environment() -> dict[str, str]:
    """That of the service; the packages that it runs are found wherever they are."""
    here = str(Path(__file__).resolve().parents[2])
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", ""))))}
