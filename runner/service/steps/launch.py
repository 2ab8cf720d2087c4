# SPDX-License-Identifier: Apache-2.0
"""Start the process of a step, hear what it says, and end it when its job is to end."""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from runner import process
from runner.engine.job import Failed, LogLine, Started, raised
from runner.errors import BuildError, LimitError
from runner.pipeline.images import erase
from runner.redact import Redactor
from runner.service.steps.order import Built, Locked, Proposed, Published, Scanned, StepEvent, encode_order
from runner.service.steps.usage import disk_of, memory_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from runner.service.steps.order import Order, Outcome

_DIES_WITH_US = ("setpriv", "--pdeathsig", "TERM", "--")
_LONGEST_EVENT = 8 << 20
_MEASURE_SECONDS = 1.0
_NEVER = 10.0 * 365 * 86400
"""Seconds: the watch ends what takes too long, and lets it clean up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a step's process finds around it.

    Attributes:
        environment: all of it, secrets among it.
        redact: masks these secrets in whatever the step says.
        seconds, log_bytes: it may take, and may say.
        memory, disk: bytes that its processes may have in memory together, and may write; 0 is no limit.
        folders: finds the folders that count.
        scratch: finds those that nobody needs once the step was ended.
        stop: asked several times a second whether the step is to be ended.
    """

    environment: Mapping[str, str]
    redact: Redactor = field(default_factory=Redactor)
    seconds: float
    log_bytes: int
    memory: int = 0
    disk: int = 0
    folders: Callable[[], Iterable[Path]] = tuple
    scratch: Callable[[], Iterable[Path]] = tuple
    stop: Callable[[], bool] = lambda: False


def run_step(order: Order, around: Surroundings, hear: Callable[[StepEvent], None]) -> Outcome:
    """Have ``order`` done in a process of its own and return what came of it; ``hear`` gets every event before.

    Raises:
        PackhouseError: what stopped the step, as it told.
        LimitError: it ran too long or said too much.
        StoppedError: ``around.stop`` said so; nothing of it runs any more.
    """
    ear = _Ear(hear)
    watch = _Watch(around, ear)
    try:
        done = process.run(
            [*_DIES_WITH_US, sys.executable, "-m", "runner.service.steps"],
            env=around.environment,
            stdin=encode_order(order),
            sink=ear,
            redact=around.redact,
            limits=process.Limits(seconds=_NEVER, output_bytes=sys.maxsize, line_bytes=_LONGEST_EVENT),
            check=False,
            stop=watch,
            started=watch.begin,
        )
    except process.StoppedError:
        for folder in around.scratch():  # it had little time to clean up, and may have been killed over it
            erase(folder)
        if not watch.over:
            raise
        raise LimitError(
            f"the job was ended: {watch.over}",
            why=f"it was at: {ear.phase}" if ear.phase else None,
            hint="limits in packhouse.yaml allow more",
            log_tail=tuple(ear.last),
        ) from None
    if isinstance(ear.outcome, Failed):
        raise raised(ear.outcome)
    if ear.outcome is None:
        place = f" at: {ear.phase}" if ear.phase else ""
        raise BuildError(
            "the process of the step ended without a result",
            why=f"it was killed or crashed{place} (exit code {done.returncode})",
            hint="see with dmesg whether memory ran out",
            log_tail=tuple(ear.last),
        )
    return ear.outcome


class _Watch:
    """Says when a step is to be ended, and in ``over`` which limit it went over, if that is why."""

    def __init__(self, around: Surroundings, ear: _Ear) -> None:
        self._around, self._ear = around, ear
        self._deadline = time.monotonic() + around.seconds
        self._pid, self._measured = 0, 0.0
        self.over = ""

    def begin(self, pid: int) -> None:
        """Hear which process it is."""
        self._pid = pid

    def __call__(self) -> bool:
        if self._ear.said > self._around.log_bytes:
            self.over = f"it said more than {self._around.log_bytes} bytes"
        elif time.monotonic() > self._deadline:
            self.over = f"it took longer than {self._around.seconds:g} s"
        else:
            self._measure()
        return bool(self.over) or self._around.stop()

    def _measure(self) -> None:
        now, around = time.monotonic(), self._around
        if now - self._measured < _MEASURE_SECONDS:
            return
        if around.memory and memory_of(self._pid) > around.memory:
            self.over = f"its processes had more than {around.memory} bytes in memory"
        elif around.disk and disk_of(around.folders()) > around.disk:
            self.over = f"it wrote more than {around.disk} bytes"
        self._measured = time.monotonic()


class _Ear:
    """Hears a step's lines: passes events on, remembers the outcome and what was said last."""

    def __init__(self, hear: Callable[[StepEvent], None]) -> None:
        self._hear = hear
        self._decode = msgspec.json.Decoder(StepEvent).decode
        self.last: deque[str] = deque(maxlen=process.TAIL_LINES)
        self.phase = ""
        self.said = 0
        self.outcome: Failed | Outcome | None = None

    def __call__(self, line: str, /) -> None:
        self.said += len(line)
        try:
            event: StepEvent = self._decode(line)
        except msgspec.DecodeError:
            event = LogLine(line)  # the interpreter itself had something to say
        match event:
            case Failed() | Locked() | Built() | Published() | Proposed() | Scanned():
                self.outcome = event
                return
            case LogLine(text):
                self.last.append(text)
            case Started(name):
                self.phase = name
            case _:
                pass
        self._hear(event)
