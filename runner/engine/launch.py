# SPDX-License-Identifier: Apache-2.0
"""Start the engine in its namespaces, hear what it says, and make sure it is gone afterwards."""

from __future__ import annotations

import os
import sys
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from runner import errors, process
from runner.engine.job import Event, Failed, Finished, Job, LogLine, encode_job

if TYPE_CHECKING:
    from collections.abc import Callable

    from runner.redact import Redactor
    from runner.sandbox.identity import Identity

_ERRORS = {
    cls.__name__: cls
    for cls in vars(errors).values()
    if isinstance(cls, type) and issubclass(cls, errors.PackhouseError)
}
_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")
"""setpriv(1): even when we are killed with no chance to clean up, the engine and all in its namespaces end."""

_NAMESPACES = ("--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc")


def launch(
    job: Job, identity: Identity, *, on_event: Callable[[Event], None], redact: Redactor | None = None
) -> Finished:
    """Run ``job`` to its end and return its result.

    Raises:
        PackhouseError: what stopped the build, as the engine told it.
        LimitError: it ran longer than the job's timeout.
    """
    outcome: list[Failed | Finished] = []
    last: deque[str] = deque(maxlen=process.TAIL_LINES)
    decoder = msgspec.json.Decoder(Event)

    def hear(line: str) -> None:
        try:
            event = decoder.decode(line)
        except msgspec.DecodeError:
            event = LogLine(line)  # the interpreter itself, or a namespace tool, had something to say
        if isinstance(event, LogLine):
            last.append(event.line)
        if isinstance(event, (Failed, Finished)):
            outcome.append(event)
        else:
            on_event(event)

    done = process.run(
        [*_DIES_WITH_US, *_namespaces(identity), sys.executable, "-I", "-m", "runner.engine"],
        env=_environment(),
        stdin=encode_job(job),
        sink=hear,
        redact=redact,
        limits=process.Limits(seconds=job.timeout, output_bytes=1 << 32),
        check=False,
        what="the build engine",
    )
    if outcome and isinstance(outcome[-1], Finished):
        return outcome[-1]
    if outcome and isinstance(outcome[-1], Failed):
        raise _error_of(outcome[-1])
    raise errors.BuildError(
        "the build engine ended without a result",
        why=f"exit code {done.returncode}",
        hint="the lines below are the last it said",
        log_tail=tuple(last),
    )


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
    wanted = {name: os.environ[name] for name in ("PACKHOUSE_SANDBOX",) if name in os.environ}
    return process.tool_environment({"HOME": os.environ.get("HOME", "/nonexistent"), "LANG": "C.UTF-8", **wanted})


def _error_of(failed: Failed) -> errors.PackhouseError:
    cls = _ERRORS.get(failed.error, errors.BuildError)
    return cls(failed.what, where=failed.where, why=failed.why, hint=failed.hint, log_tail=failed.log_tail)
