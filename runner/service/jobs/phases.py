# SPDX-License-Identifier: Apache-2.0
"""When each phase of an attempt began and ended."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import sqlalchemy as sa

from runner.service.database.tables import PHASES
from runner.service.jobs.model import PhaseRecord

if TYPE_CHECKING:
    from sqlalchemy import Engine


class Phases:
    """The phases of one attempt, in the order they begin."""

    def __init__(self, engine: Engine, job: str, attempt: int) -> None:
        self._engine, self._job, self._attempt = engine, job, attempt
        self._position = 0
        self._open: dict[str, int] = {}

    def started(self, name: str) -> None:
        """Note that a phase begins."""
        self._insert(name, time.time())

    def finished(self, name: str, seconds: float, *, cached: bool = False) -> None:
        """Note that a phase ended; one that was never said to begin began ``seconds`` ago."""
        now = time.time()
        if name not in self._open:
            self._insert(name, now - seconds)
        with self._engine.begin() as connection:
            connection.execute(
                sa.update(PHASES)
                .where(
                    PHASES.c.job == self._job,
                    PHASES.c.attempt == self._attempt,
                    PHASES.c.position == self._open[name],
                )
                .values(ended_at=now, cached=cached)
            )
        del self._open[name]

    def _insert(self, name: str, at: float) -> None:
        row = {"job": self._job, "attempt": self._attempt, "position": self._position}
        # no second row where this is tried again: the database may have taken the first and then gone away
        with contextlib.suppress(sa.exc.IntegrityError), self._engine.begin() as connection:
            connection.execute(sa.insert(PHASES).values(**row, name=name, started_at=at))
        self._open[name] = self._position
        self._position += 1


def phases_of(engine: Engine, job: str, attempt: int) -> tuple[PhaseRecord, ...]:
    """Return the phases of an attempt in the order they began."""
    query = sa.select(PHASES).where(PHASES.c.job == job, PHASES.c.attempt == attempt).order_by(PHASES.c.position)
    with engine.connect() as connection:
        return tuple(
            PhaseRecord(
                name=row["name"],
                started_at=row["started_at"],
                ended_at=row["ended_at"],
                cached=row["cached"],
                detail=row["detail"],
            )
            for row in connection.execute(query).mappings()
        )
