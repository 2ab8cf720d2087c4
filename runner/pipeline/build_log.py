# SPDX-License-Identifier: Apache-2.0
"""The full log of one build: with a success it is part of the release, with a failure it stays in the store."""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner import log as logs
from runner.errors import PackhouseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.pipeline.request import Machine

MOST_KEPT = 20
"""Logs of failed builds in the store; the oldest go first."""


@dataclass(frozen=True, slots=True)
class OpenLog:
    """A log that is being written. ``close`` it before ``path`` is read."""

    build_id: str
    path: Path
    sink: logs.BuildLog

    def close(self) -> None:
        self.sink.close()


@contextlib.contextmanager
def build_log(machine: Machine) -> Iterator[OpenLog]:
    """Open the log of a build with an id of its own; it is gone after the block, unless that fails.

    Then it is in the store as ``logs/<build id>.log``, the error at its end, and the error names it. An
    interrupted build leaves nothing.
    """
    build_id = str(uuid.uuid4())
    logs.configure(level=machine.log_level, json=machine.log_json, redact=machine.redact)
    logs.bind_build(build_id)
    with machine.store.scratch("log") as work:
        path = work / "build.log"
        log = OpenLog(build_id, path, logs.BuildLog(path, machine.redact, build_id=build_id))
        try:
            yield log
        except Exception as error:
            log.close()
            _keep(log, error, machine)
            raise
        finally:
            log.close()


def _keep(log: OpenLog, error: Exception, machine: Machine) -> None:
    folder = machine.store.root / "logs"
    kept = folder / f"{log.build_id}.log"
    with contextlib.suppress(OSError):  # a full disk, perhaps: it must not hide what went wrong
        folder.mkdir(parents=True, exist_ok=True)
        with log.path.open("a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.writelines(f"{log.build_id} {line}\n" for line in machine.redact(str(error)).splitlines())
        log.path.replace(kept)
        if isinstance(error, PackhouseError):
            error.log = kept
        for old in sorted(folder.glob("*.log"), key=lambda path: -path.stat().st_mtime_ns)[MOST_KEPT:]:
            old.unlink(missing_ok=True)
