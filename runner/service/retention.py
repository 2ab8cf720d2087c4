# SPDX-License-Identifier: Apache-2.0
"""Forget what nobody looks at any more: logs after a while, old jobs beyond an image's newest. Releases stay.

It goes through old jobs a few hundred at a time, each in a transaction of its own, so that nobody waits for it.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
import structlog

from runner.service.database.tables import ATTEMPTS, JOBS, LOCKS, LOGS, NEWEST, PHASES, RELEASES
from runner.service.jobs.model import ENDED

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection, Iterator, Sequence

    from runner.service.config.model import Retention
    from runner.service.database.leases import Leases
    from runner.service.queue.api import Queue

_LEASE, _LEASE_SECONDS = "retention", 3600.0
_EVERY_SECONDS = 3600.0
_AT_ONCE = 300
_QUEUE_SECONDS = 86400.0
"""The queue is asked about jobs that have not ended only: a day is long enough for whoever finds that out late."""

_DIGEST = re.compile("[0-9a-f]{64}")


def forget(engine: sa.Engine, keep: Retention, now: float) -> int:
    """Delete what is older than ``keep`` says, and return how many jobs that were.

    Of every image the newest ``jobs_per_image`` jobs stay, however old. A text stays as long as a job names it.
    """
    count, named = 0, set[str]()
    for rows in _old_jobs(engine, now - min(keep.jobs, keep.logs)):
        silent = [row.id for row in rows if row.ended_at < now - keep.logs]
        with engine.begin() as connection:
            connection.execute(sa.delete(LOGS).where(LOGS.c.job.in_(silent)))
            late = [row for row in rows if row.ended_at < now - keep.jobs]
            gone = [row for row in late if _has_newer(connection, row, keep.jobs_per_image)]
            ids = [row.id for row in gone]
            for table in (LOGS, PHASES, ATTEMPTS):
                connection.execute(sa.delete(table).where(table.c.job.in_(ids)))
            connection.execute(sa.delete(JOBS).where(JOBS.c.id.in_(ids)))
            numbers = [row.number for row in gone]
            connection.execute(sa.delete(NEWEST).where(NEWEST.c.number.in_(numbers)))
            connection.execute(sa.delete(RELEASES).where(RELEASES.c.job.in_(numbers)))
        count += len(gone)
        named.update(*(_DIGEST.findall(row.result) for row in gone))
    if named:
        _forget_texts(engine, named)
    return count


def _old_jobs(engine: sa.Engine, before: float) -> Iterator[Sequence[sa.Row[*tuple[Any, ...]]]]:
    """Yield the jobs that ended ``before``, those that ended first come first."""
    columns = (JOBS.c.id, JOBS.c.number, JOBS.c.image, JOBS.c.ended_at, JOBS.c.result)
    query = sa.select(*columns).where(JOBS.c.ended_at < before).order_by(JOBS.c.ended_at, JOBS.c.number)
    place = sa.tuple_(JOBS.c.ended_at, JOBS.c.number)
    after = (-1.0, -1)
    while True:
        with engine.connect() as connection:
            rows = connection.execute(query.where(place > after).limit(_AT_ONCE)).all()
        if rows:
            yield rows
        if len(rows) < _AT_ONCE:
            return
        after = (rows[-1].ended_at, rows[-1].number)


def _has_newer(connection: sa.Connection, row: sa.Row[*tuple[Any, ...]], most: int) -> bool:
    """Tell whether ``most`` jobs of the same image that ended are newer."""
    newer = (
        sa.select(JOBS.c.number)
        .where(JOBS.c.image == row.image, JOBS.c.number > row.number, JOBS.c.state.in_(ENDED))
        .order_by(JOBS.c.number)
        .limit(most)
    )
    return len(connection.execute(newer).all()) == most


def _forget_texts(engine: sa.Engine, candidates: Collection[str]) -> None:
    """Delete those of the texts ``candidates`` that the result of no job names."""
    with engine.connect() as connection:
        left = {
            digest
            for part in _parts(sorted(candidates))
            for digest in connection.execute(sa.select(LOCKS.c.digest).where(LOCKS.c.digest.in_(part))).scalars()
        }
    after = 0
    query = sa.select(JOBS.c.number, JOBS.c.result).where(JOBS.c.result != "").order_by(JOBS.c.number)
    while left:
        with engine.connect() as connection:
            rows = connection.execute(query.where(JOBS.c.number > after).limit(_AT_ONCE)).all()
        for row in rows:
            left.difference_update(_DIGEST.findall(row.result))
        if len(rows) < _AT_ONCE:
            break
        after = rows[-1].number
    for part in _parts(sorted(left)):
        with engine.begin() as connection:
            connection.execute(sa.delete(LOCKS).where(LOCKS.c.digest.in_(part)))


def _parts(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def forget_finished(queue: Queue, now: float) -> int:
    """Have the queue forget what it finished more than a day ago, and return how many jobs that were."""
    count = 0
    while found := queue.forget(now - _QUEUE_SECONDS, most=_AT_ONCE):
        count += found
    return count


def run(
    engine: sa.Engine, queue: Queue, leases: Leases, keep: Callable[[], Retention], over: threading.Event
) -> None:
    """Forget once an hour until ``over`` is set; one of several processes does."""
    log = structlog.get_logger()
    while True:
        try:
            if leases.take(_LEASE, _LEASE_SECONDS):
                count = forget(engine, keep(), time.time())
                forget_finished(queue, time.time())
                if count:
                    log.info("old jobs were forgotten", jobs=count)
        except Exception as error:  # noqa: BLE001  # what is old can wait
            log.warning("old jobs could not be forgotten", error=str(error))
        if over.wait(_EVERY_SECONDS):
            return
