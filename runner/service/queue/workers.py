# SPDX-License-Identifier: Apache-2.0
"""The workers there are: each says every few seconds that it lives."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from runner import __version__
from runner.service.database.tables import WORKERS

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Engine

SILENT_BEATS = 3
"""A worker that missed so many heartbeats is taken for dead."""


class WorkerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A worker; ``labels`` include its architecture, ``builds`` is how many jobs it runs at once."""

    id: str
    host: str
    labels: tuple[str, ...]
    builds: int
    draining: bool = False
    version: str = __version__
    started_at: float
    seen_at: float

    def can_build(self, labels: Collection[str]) -> bool:
        """Tell whether it takes jobs that need ``labels``."""
        return not self.draining and set(labels) <= set(self.labels)


class Workers:
    """The table of workers."""

    def __init__(self, engine: Engine, heartbeat: float) -> None:
        self._engine, self._heartbeat = engine, heartbeat

    def enter(self, worker: WorkerRecord) -> None:
        """Say that ``worker`` begins, whatever was asked of one of its name before."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(WORKERS).where(WORKERS.c.id == worker.id))
            connection.execute(sa.insert(WORKERS).values(**_row(worker), draining=worker.draining))

    def beat(self, worker: WorkerRecord) -> bool:
        """Say that ``worker`` lives, and return whether it is to drain."""
        one = WORKERS.c.id == worker.id
        with self._engine.begin() as connection:
            if not connection.execute(sa.update(WORKERS).where(one).values(**_row(worker))).rowcount:
                connection.execute(sa.insert(WORKERS).values(**_row(worker), draining=worker.draining))
            return bool(connection.execute(sa.select(WORKERS.c.draining).where(one)).scalar())

    def drain(self, worker_id: str) -> bool:
        """Ask a worker to take no new jobs; it hears of it at its next heartbeat. False when there is none."""
        with self._engine.begin() as connection:
            asked = sa.update(WORKERS).where(WORKERS.c.id == worker_id).values(draining=True)
            return connection.execute(asked).rowcount > 0

    def leave(self, worker_id: str) -> None:
        """Forget a worker that stops of its own will."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(WORKERS).where(WORKERS.c.id == worker_id))

    def all(self) -> tuple[WorkerRecord, ...]:
        """Return all workers that were heard of and did not leave."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(WORKERS).order_by(WORKERS.c.id)).mappings()
            return tuple(
                WorkerRecord(
                    id=row["id"],
                    host=row["host"],
                    labels=msgspec.json.decode(row["labels"], type=tuple[str, ...]),
                    builds=row["builds"],
                    draining=row["draining"],
                    version=row["version"],
                    started_at=row["started_at"],
                    seen_at=row["seen_at"],
                )
                for row in rows
            )

    def live(self) -> tuple[WorkerRecord, ...]:
        """Return those that were heard of lately."""
        since = time.time() - SILENT_BEATS * self._heartbeat
        return tuple(worker for worker in self.all() if worker.seen_at >= since)


def _row(worker: WorkerRecord) -> dict[str, object]:
    return {
        "id": worker.id,
        "host": worker.host,
        "labels": msgspec.json.encode(worker.labels).decode(),
        "builds": worker.builds,
        "version": worker.version,
        "started_at": worker.started_at,
        "seen_at": time.time(),
    }
