# SPDX-License-Identifier: Apache-2.0
"""Run one command and measure what it takes: time, processor time, memory."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TAIL = 15


class CommandFailedError(Exception):
    """A measured command did not end well; the text has the end of its log."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run. Times in seconds.

    Attributes:
        cpu: user and system time of the command and all its descendants.
        peak: largest resident set, in bytes, of any one process among them.
        output: size in bytes of what it made.
        phases: what the command told of its own phases, in seconds; 0 for those that found their result ready.
    """

    wall: float
    cpu: float
    peak: int
    output: int
    phases: dict[str, float]


@dataclass(frozen=True, slots=True)
class Usage:
    """What the kernel says of a finished command; see wait4(2)."""

    wall: float
    cpu: float
    peak: int


def run(argv: Sequence[str], log: Path, *, timeout: float = 900, env: dict[str, str] | None = None) -> Usage:
    """Run ``argv`` with its output in ``log``.

    Raises:
        CommandFailedError: it ended with an error, or was ended after ``timeout`` seconds.
    """
    os.sync()  # what the command before has left to write is not this one's burden
    with log.open("wb") as stream:
        start = time.monotonic()
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            env={**_environment(), **(env or {})},
            start_new_session=True,
        )
        # Popen.wait would not tell the resources, so the process is waited for behind its back.
        timer = threading.Timer(timeout, _kill, [child.pid])
        timer.start()
        try:
            _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            _kill(child.pid)
            raise
        finally:
            timer.cancel()
        wall = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL:])
        raise CommandFailedError(f"{' '.join(argv)}\nended with {child.returncode} after {wall:.0f} s:\n{tail}")
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def size_of(paths: Iterable[Path]) -> int:
    """Bytes in the regular files of ``paths`` and below; a file with many names counts once."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for path in paths:
        files = (
            [path] if path.is_file() else (Path(top, name) for top, _, names in os.walk(path) for name in names)
        )
        for file in files:
            info = file.lstat()
            if (info.st_dev, info.st_ino) not in seen and not file.is_symlink():
                seen.add((info.st_dev, info.st_ino))
                total += info.st_size
    return total


def _environment() -> dict[str, str]:
    """Ours, as an installation has it: modules are compiled once."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
