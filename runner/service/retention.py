# SPDX-License-Identifier: Apache-2.0
"""Forget what nobody looks at any more: logs after a while, old jobs beyond an image's newest. Releases stay."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import sqlalchemy as sa
import structlog

from runner.service.database.tables import ATTEMPTS, JOBS, LOCKS, LOGS, PHASES
from runner.service.jobs.model import ENDED

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from runner.service.config.model import Retention
    from runner.service.database.leases import Leases

_LEASE, _LEASE_SECONDS = "retention", 3600.0
_EVERY_SECONDS = 3600.0


def forget(engine: sa.Engine, keep: Retention, now: float) -> int:
    """Delete what is older than ``keep`` says, and return how many jobs that were.

    Of every image the newest ``jobs_per_image`` jobs stay, however old. A lock stays as long as a job names it.
    """
    with engine.begin() as connection:
        rank = sa.func.row_number().over(partition_by=JOBS.c.image, order_by=JOBS.c.number.desc())
        ranked = (
            sa.select(JOBS.c.id, JOBS.c.ended_at, rank.label("rank")).where(JOBS.c.state.in_(ENDED)).subquery()
        )
        late = (ranked.c.ended_at < now - keep.jobs, ranked.c.rank > keep.jobs_per_image)
        old = list(connection.execute(sa.select(ranked.c.id).where(*late)).scalars())
        silent = sa.select(JOBS.c.id).where(JOBS.c.ended_at < now - keep.logs)
        connection.execute(sa.delete(LOGS).where(LOGS.c.job.in_(silent)))
        for table in (LOGS, PHASES, ATTEMPTS):
            connection.execute(sa.delete(table).where(table.c.job.in_(old)))
        connection.execute(sa.delete(JOBS).where(JOBS.c.id.in_(old)))
        if old:
            named = sa.select(sa.literal(1)).where(JOBS.c.result.contains(LOCKS.c.digest)).exists()
            connection.execute(sa.delete(LOCKS).where(~named))
    return len(old)


def run(engine: sa.Engine, leases: Leases, keep: Callable[[], Retention], over: threading.Event) -> None:
    """Forget once an hour until ``over`` is set; one of several processes does."""
    log = structlog.get_logger()
    while True:
        try:
            if leases.take(_LEASE, _LEASE_SECONDS):
                count = forget(engine, keep(), time.time())
                if count:
                    log.info("old jobs were forgotten", jobs=count)
        except Exception as error:  # noqa: BLE001  # what is old can wait
            log.warning("old jobs could not be forgotten", error=str(error))
        if over.wait(_EVERY_SECONDS):
            return
