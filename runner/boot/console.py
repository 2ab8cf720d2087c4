# SPDX-License-Identifier: Apache-2.0
"""Listen to a serial console line by line, answer it, and write down all that it says."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

from runner.boot.model import FailedBootError
from runner.boot.plain_text import PlainText
from runner.boot.stages import DEAD_ENDS, DeadEnd, Timeline
from runner.process import TAIL_LINES

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from runner.redact import Redactor

MOST_BYTES = 64 << 20
"""A machine that talks more than this is ended; it would fill our disk."""

_LINGER = 0.5
"""Seconds."""

Found = TypeVar("Found")


class Port(Protocol):
    """A serial line."""

    def read(self, seconds: float) -> bytes | None:
        """Return what came, None when nothing came within ``seconds``, and nothing at the end of the line."""

    def write(self, data: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the console; one that is not ``complete`` comes again when it has grown."""

    text: str
    complete: bool


Listener: TypeAlias = "Callable[[Line], Found | None]"


class SilenceError(Exception):
    """What was waited for did not come in time."""


class Console:
    """A serial console. ``dead_ends`` are the lines that end the wait for everything else.

    Lines that nobody listened to are kept for the next who does.
    """

    def __init__(self, port: Port, *, deadline: float, redact: Redactor, log: TextIO | None = None) -> None:
        self.timeline = Timeline()
        self.dead_ends: tuple[DeadEnd, ...] = DEAD_ENDS
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._port, self._deadline, self._redact, self._log = port, deadline, redact, log
        self._plain = PlainText()
        self._unheard: deque[Line] = deque()
        self._start = time.monotonic()
        self._bytes = 0

    @property
    def seconds(self) -> float:
        """Since the console was opened."""
        return time.monotonic() - self._start

    @property
    def is_silent(self) -> bool:
        """Not one byte came yet."""
        return self._bytes == 0

    @property
    def is_over(self) -> bool:
        """The time of the whole test has passed."""
        return time.monotonic() >= self._deadline

    def type(self, text: str) -> None:
        """Type ``text`` and press Enter."""
        self._port.write(f"{text}\r".encode())

    def until(self, listen: Listener[Found], *, seconds: float | None = None) -> Found:
        """Hand lines to ``listen`` until it returns something, and return that.

        Raises:
            SilenceError: nothing was found within ``seconds``, or before the deadline of the whole test.
            FailedBootError: the machine said that it cannot go on, ended, or talked without end.
        """
        over = self._deadline if seconds is None else min(self._deadline, time.monotonic() + seconds)
        while True:
            while self._unheard:
                line = self._unheard.popleft()
                found = listen(line)
                if found is not None:
                    return found
                self._give_up_after(line)
            left = over - time.monotonic()
            if left <= 0:
                raise SilenceError
            self._read(left)

    def note(self, line: str) -> None:
        """Take notice of a complete ``line``, said here or elsewhere."""
        text, seconds = self._redact(line), self.seconds
        self.timeline.hear(text, seconds)
        self.tail.append(text)
        if self._log is not None:
            self._log.write(f"[{seconds:9.3f}] {text}\n")
            self._log.flush()

    def hear(self, line: str) -> None:
        """Take ``line``, which the firmware said on a port of its own, as if it had come here."""
        self.note(line)
        self._unheard.append(Line(line, complete=True))

    def close(self) -> None:
        """Write down the line that was begun, once it is whole: a prompt is known before its last byte."""
        if self._plain.partial:
            self._linger()
        if self._plain.partial:
            self.note(self._plain.partial)

    def _give_up_after(self, line: Line) -> None:
        for end in self.dead_ends:
            if end.sign.search(line.text):
                self._linger()
                said = next((text for text in self.tail if end.sign.search(text)), self._redact(line.text))
                raise FailedBootError(end.what, why=f"the console says: {said.strip()}", hint=end.hint)

    def _linger(self) -> None:
        """Hear what is said in the next moment: after the worst it may tell why."""
        over = time.monotonic() + _LINGER
        with contextlib.suppress(FailedBootError):
            while (left := over - time.monotonic()) > 0:
                self._read(left)

    def _read(self, seconds: float) -> None:
        data = self._port.read(seconds)
        if data is None:
            return
        if not data:
            raise FailedBootError("the machine switched itself off")
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            raise FailedBootError(f"the console showed more than {MOST_BYTES >> 20} MiB")
        for text in self._plain.feed(data):
            self.note(text)
            self._unheard.append(Line(text, complete=True))
        if self._plain.partial:
            self.timeline.hear(self._plain.partial, self.seconds)
            self._unheard.append(Line(self._plain.partial, complete=False))
