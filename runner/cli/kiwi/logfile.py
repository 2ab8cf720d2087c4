# SPDX-License-Identifier: Apache-2.0
"""``--logfile``: all that is said goes into a file as well, the tools' output included."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

from runner.cli.output import ConsoleReporter
from runner.errors import UsageError

if TYPE_CHECKING:
    from runner.cli.output import Style


class LoggedReporter(ConsoleReporter):
    """Shows phases as they pass, and writes them down. Lines come without secrets already."""

    def __init__(self, style: Style, stream: IO[str]) -> None:
        super().__init__(style)
        self._stream = stream

    @classmethod
    def open(cls, style: Style, name: str) -> LoggedReporter:
        """Start the log file ``name`` anew; ``stdout`` is standard output.

        Raises:
            UsageError: it cannot be written.
        """
        if name == "stdout":
            return cls(style, sys.stdout)
        try:
            return cls(style, Path(name).open("w", encoding="utf-8"))  # open until close()
        except OSError as error:
            raise UsageError("the log file cannot be written", where=name, why=error.strerror) from error

    def started(self, phase: str) -> None:
        super().started(phase)
        self._write(f"--- {phase}")

    def finished(self, phase: str, seconds: float, *, cached: bool = False, detail: str = "") -> None:
        super().finished(phase, seconds, cached=cached, detail=detail)
        self._write(f"--- {phase}: {'cached' if cached else f'{seconds:.2f} s'} {detail}".rstrip())

    def line(self, text: str) -> None:
        super().line(text)
        self._write(text)

    def warning(self, text: str) -> None:
        super().warning(text)
        self._write(f"warning: {text}")

    def close(self) -> None:
        super().close()
        self._stream.flush()

    def _write(self, text: str) -> None:
        self._stream.write(text + "\n")
