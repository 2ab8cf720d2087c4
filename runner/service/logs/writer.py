# SPDX-License-Identifier: Apache-2.0
"""Write the log of an attempt: a piece at most every second, so that readers are never far behind."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Self

import sqlalchemy as sa
import zstandard

from runner.service.database.patience import AWAY, patiently
from runner.service.database.tables import LOGS

if TYPE_CHECKING:
    from types import TracebackType

    from sqlalchemy import Engine

_PIECE_CHARACTERS = 256 << 10
_SECONDS = 1.0
_PATIENCE_SECONDS = 60.0
_PIECE = ("job", "attempt", "first_line")


class LogWriter:
    """Takes lines, whose secrets are masked already, from any thread; a context that flushes at its end."""

    def __init__(self, engine: Engine, job: str, attempt: int) -> None:
        self._engine, self._job, self._attempt = engine, job, attempt
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._characters = 0
        self._next = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name=f"log-{job[:8]}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        patiently(self._flush, seconds=_PATIENCE_SECONDS)

    def __call__(self, line: str) -> None:
        with self._lock:
            self._lines += line.split("\n")
            self._characters += len(line)
            full = self._characters > _PIECE_CHARACTERS
        if full:
            self._try_to_flush()

    def _work(self) -> None:
        while not self._over.wait(_SECONDS):
            self._try_to_flush()

    def _try_to_flush(self) -> None:
        with contextlib.suppress(*AWAY):  # the lines are kept, and written when the database is back
            self._flush()

    def _flush(self) -> None:
        with self._lock:
            lines = self._lines
            if not lines:
                return
            text = "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
            row = {"job": self._job, "attempt": self._attempt, "first_line": self._next, "lines": len(lines)}
            with self._engine.begin() as connection:
                written = sa.select(LOGS.c.lines).where(*(LOGS.c[name] == row[name] for name in _PIECE))
                before = connection.execute(written).scalar()  # where the answer to an earlier try was lost
                if before is None:
                    connection.execute(sa.insert(LOGS).values(**row, text=zstandard.compress(text, 3)))
            done = len(lines) if before is None else before
            self._lines = lines[done:]
            self._characters = sum(map(len, self._lines))
            self._next += done
