# SPDX-License-Identifier: Apache-2.0
"""Start the process of a step, hear what it says, and end it when its job is to end."""

from __future__ import annotations

import contextlib
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
from runner.sandbox.choose import PROCESSES
from runner.service.steps.disk import DiskMeter
from runner.service.steps.hidden import Hidden, hidden_of
from runner.service.steps.order import Built, Locked, Proposed, Published, Scanned, StepEvent, encode_order
from runner.service.steps.usage import family_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from runner.service.steps.order import Order, Outcome

_DIES_WITH_US = ("setpriv", "--pdeathsig", "TERM", "--")
_LONGEST_EVENT = 8 << 20
_MEASURE_SECONDS = 1.0
_MEASURE_SHARE = 0.02
"""Of a processor may go into looking at processes, of which a machine can have many."""
_ERASE_TRIES, _ERASE_PAUSE = 10, 0.02
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
        processes: it may have so many at once, threads among them; 0 is no limit.
        folders: finds the folders that count.
        scratch: finds those that nobody needs once the step was ended.
        stop: asked several times a second whether the step is to be ended.
    """

    environment: Mapping[str, str]
    redact: Callable[[str], str] = field(default_factory=Redactor)
    seconds: float
    log_bytes: int
    memory: int = 0
    disk: int = 0
    processes: int = 0
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
    ear = _Ear(hear, around.redact)
    watch = _Watch(around, ear)
    try:
        done = _run(order, _environment(around), ear, watch)
    except process.StoppedError:
        _erase_all(around.scratch)
        if not watch.over:
            raise
        raise LimitError(
            f"the job was ended: {watch.over}",
            why=f"it was at: {ear.phase}" if ear.phase else None,
            hint=watch.hint,
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


def _environment(around: Surroundings) -> dict[str, str]:
    """Have the sandbox bound a fork bomb too, where that does not keep us from seeing it."""
    return {**({PROCESSES: str(2 * around.processes)} if around.processes else {}), **around.environment}


def _run(order: Order, environment: Mapping[str, str], ear: _Ear, watch: _Watch) -> process.Completed:
    with watch.measuring():
        return process.run(
            [*_DIES_WITH_US, sys.executable, "-m", "runner.service.steps"],
            env=environment,
            stdin=encode_order(order),
            sink=ear,
            limits=process.Limits(seconds=_NEVER, output_bytes=sys.maxsize, line_bytes=_LONGEST_EVENT),
            check=False,
            stop=watch,
            started=watch.begin,
        )


def _erase_all(scratch: Callable[[], Iterable[Path]]) -> None:
    """Erase what a step left that had little time to clean up, and may have been killed over it.

    Thousands of processes take a moment to die, and one may write meanwhile what a folder then is not empty of.
    """
    for _ in range(_ERASE_TRIES):
        folders = list(scratch())
        if not folders:
            return
        for folder in folders:
            erase(folder)
        time.sleep(_ERASE_PAUSE)


class _Watch:
    """Says when a step is to be ended, and in ``over`` which limit it went over, if that is why."""

    def __init__(self, around: Surroundings, ear: _Ear) -> None:
        self._around, self._ear = around, ear
        self._deadline = time.monotonic() + around.seconds
        self._pid, self._measure_at = 0, 0.0
        self._disk = DiskMeter(around.folders)
        self.over, self.hint = "", "limits in packhouse.yaml allow more"

    def begin(self, pid: int) -> None:
        """Hear which process it is."""
        self._pid = pid

    def measuring(self) -> AbstractContextManager[None]:
        """Have the disk measured while the block lasts."""
        return self._disk.walking() if self._around.disk else contextlib.nullcontext()

    def __call__(self) -> bool:
        now = time.monotonic()
        if self._ear.said > self._around.log_bytes:
            self.over = f"it said more than {self._around.log_bytes} bytes"
        elif now > self._deadline:
            self.over = f"it took longer than {self._around.seconds:g} s"
        elif now > self._measure_at:
            began = time.thread_time()
            self.over = self._measured()
            cost = time.thread_time() - began
            self._measure_at = time.monotonic() + max(_MEASURE_SECONDS, cost / _MEASURE_SHARE)
        return bool(self.over) or self._around.stop()

    def _measured(self) -> str:
        around, family = self._around, family_of(self._pid)
        if around.processes and sum(process.threads for process in family) > around.processes:
            return f"it had more than {around.processes} processes at once"
        hidden = hidden_of(family) if around.memory or around.disk else Hidden(0, 0)
        if around.memory and sum(process.memory for process in family) + hidden.memory > around.memory:
            return f"its processes had more than {around.memory} bytes in memory"
        disk = self._disk.last
        if around.disk and disk.used + hidden.disk > around.disk:
            return f"it wrote more than {around.disk} bytes"
        if disk.fills(hidden.disk):
            self.hint = "free some space; limits in packhouse.yaml can also allow less"
            return f"it wrote {disk.new + hidden.disk} bytes, and only {disk.room} are left on the disk"
        return ""


class _Ear:
    """Hears a step's lines: passes events on, remembers the outcome and what was said last.

    Secrets are masked in what the events say, not in their JSON, which spells some characters in another way.
    """

    def __init__(self, hear: Callable[[StepEvent], None], redact: Callable[[str], str]) -> None:
        self._hear, self._redact = hear, redact
        self._decode = msgspec.json.Decoder(StepEvent).decode
        self.last: deque[str] = deque(maxlen=process.TAIL_LINES)
        self.phase = ""
        self.said = 0
        self.outcome: Failed | Outcome | None = None

    def __call__(self, line: str, /) -> None:
        self.said += len(line)
        try:
            event = self._masked(self._decode(line))
        except msgspec.DecodeError:
            event = LogLine(self._redact(line))  # the interpreter itself had something to say
        match event:
            case Failed() | Locked() | Built() | Published() | Proposed() | Scanned():
                self.outcome = event
                return
            case LogLine(text):
                self.last.append(process.tail_line(text))
            case Started(name):
                self.phase = name
            case _:
                pass
        self._hear(event)

    def _masked(self, event: StepEvent) -> StepEvent:
        if isinstance(event, LogLine):
            return LogLine(self._redact(event.line))
        masked: StepEvent = msgspec.convert(_each_text(msgspec.to_builtins(event), self._redact), StepEvent)
        return masked


def _each_text(value: object, change: Callable[[str], str]) -> object:
    """Return ``value``, as JSON has it, with every text in it changed; the keys of objects stay."""
    match value:
        case str():
            return change(value)
        case dict():
            return {key: _each_text(each, change) for key, each in value.items()}
        case list() | tuple():
            return [_each_text(each, change) for each in value]
        case _:
            return value
