# SPDX-License-Identifier: Apache-2.0
"""Start the engine in its namespaces, hear what it says, and make sure it is gone afterwards."""

from __future__ import annotations

import os
import sys
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from runner import errors, process
from runner.engine.job import Event, Failed, Finished, Job, LogLine, Started, encode_job, raised

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.redact import Redactor
    from runner.sandbox.identity import Identity

_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
"""setpriv(1): even when we are killed with no chance to clean up, the engine and all in its namespaces end."""

_LONGEST_EVENT = 8 << 20
"""Bytes: an error carries the last lines of a log, and a line may be long."""

_MOST_OUTPUT = 4 << 30
_PASSED_ON = ("PACKHOUSE_SANDBOX", "PACKHOUSE_PROCESSES")
_NAMESPACES = ("--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc")


def launch(
    job: Job, identity: Identity, *, on_event: Callable[[Event], None], redact: Redactor | None = None
) -> Finished:
    """Run ``job`` to its end and return its result.

    Raises:
        PackhouseError: what stopped the build, as the engine told it.
        LimitError: it ran longer than the job's timeout.
    """
    ear = _Ear(on_event)
    limits = process.Limits(seconds=job.timeout, output_bytes=_MOST_OUTPUT, line_bytes=_LONGEST_EVENT)
    command = [*_DIES_WITH_US, *_namespaces(identity), sys.executable, "-I", "-m", "runner.engine"]
    try:
        done = process.run(
            command, env=_environment(), stdin=encode_job(job), sink=ear, redact=redact, limits=limits, check=False
        )
    except errors.LimitError as error:
        raise errors.LimitError(
            f"the build was ended: it ran longer than {job.timeout:g} s or said over {_MOST_OUTPUT >> 30} GiB",
            why=f"it was at: {ear.phase}" if ear.phase else None,
            hint="the lines below are the last it said; --timeout SECONDS allows more time",
            log_tail=tuple(ear.last),
        ) from error
    if isinstance(ear.outcome, Finished):
        return ear.outcome
    if isinstance(ear.outcome, Failed):
        raise raised(ear.outcome)
    raise errors.BuildError(
        "the build engine ended without a result",
        why=f"it was killed or crashed{f' at: {ear.phase}' if ear.phase else ''} (exit code {done.returncode})",
        hint="see with dmesg whether memory ran out; lines below, if any, are the last it said",
        log_tail=tuple(ear.last),
    )


class _Ear:
    """Hears the engine's lines: passes events on, remembers the outcome and what was said last."""

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event
        self._decode = msgspec.json.Decoder(Event).decode
        self.last: deque[str] = deque(maxlen=process.TAIL_LINES)
        self.phase = ""
        self.outcome: Failed | Finished | None = None

    def __call__(self, line: str, /) -> None:
        try:
            event = self._decode(line)
        except msgspec.DecodeError:
            event = LogLine(line)  # the interpreter itself, or a namespace tool, had something to say
        if isinstance(event, (Failed, Finished)):
            self.outcome = event
            return
        if isinstance(event, LogLine):
            self.last.append(process.tail_line(event.line))
        elif isinstance(event, Started):
            self.phase = event.name
        self._on_event(event)


def _namespaces(identity: Identity) -> list[str]:
    """The command that enters the build's namespaces; empty in a container that allows its root none.

    There the engine still works, by copying instead of mounting and with chroot as its sandbox.
    """
    enter = ["unshare", *identity.unshare, *_NAMESPACES, "--"]
    if identity.unshare or process.run([*enter, "true"], check=False).returncode == 0:
        return enter
    return []


def _environment() -> dict[str, str]:
    """No secret of the caller's reaches the engine: its environment is made from nothing."""
    wanted = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return process.tool_environment({"HOME": os.environ.get("HOME", "/nonexistent"), "LANG": "C.UTF-8", **wanted})
