# SPDX-License-Identifier: Apache-2.0
"""Jobs in the database. Every change of a running job names its attempt, and an older one changes nothing."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from runner.service.database.tables import ATTEMPTS, JOBS, NEWEST, RELEASES
from runner.service.jobs.model import PRIORITIES, Job, JobError, JobRequest, JobResult, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Changed = Callable[[sa.Connection, Job], None]

_RUNNING: tuple[State, ...] = ("queued", "running")


class JobStore:
    """The words in which everybody speaks of jobs; each is one transaction."""

    def __init__(self, engine: sa.Engine, *, changed: Changed | None = None) -> None:
        """``changed`` is called with every new state of a job, in the transaction that brings it about."""
        self.engine = engine
        self._changed = changed

    def add(self, request: JobRequest, *, labels: Sequence[str] = (), priority: int = 0) -> Job | None:
        """Add a job that waits; None when the same was asked for before and nobody cancelled it."""
        job_id = uuid.uuid4().hex
        values = {
            "id": job_id,
            "once": request.once,
            "repository": request.image.repository,
            "image": str(request.image),
            "request": _json(request),
            "trigger": request.trigger,
            "ref": request.ref,
            "commit": request.commit,
            "priority": max(1, PRIORITIES[request.trigger] - priority),
            "labels": _json(tuple(labels)),
            "state": "queued",
            "created_at": time.time(),
        }
        with self.engine.begin() as connection:
            if connection.execute(sa.select(JOBS.c.id).where(JOBS.c.once == request.once)).first():
                return None
            if connection.dialect.name == "postgresql":  # numbers without holes, given out one after another
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(7235118)"))
            newest = sa.select(sa.func.coalesce(sa.func.max(JOBS.c.number), 0) + 1).scalar_subquery()
            try:
                connection.execute(sa.insert(JOBS).values(**values, number=newest))
            except sa.exc.IntegrityError:
                return None  # somebody else was as quick
            self._tell(connection, job_id)
        return self.get(job_id)

    def same(self, request: JobRequest) -> Job | None:
        """Return the job that does what ``request`` asks for, None when :meth:`add` would add one."""
        with self.engine.connect() as connection:
            row = connection.execute(sa.select(JOBS).where(JOBS.c.once == request.once)).mappings().first()
        return None if row is None else job_of(row)

    def get(self, job_id: str) -> Job | None:
        """Return the job by its id or number."""
        by = JOBS.c.number == int(job_id) if job_id.isascii() and job_id.isdigit() else JOBS.c.id == job_id
        with self.engine.connect() as connection:
            row = connection.execute(sa.select(JOBS).where(by)).mappings().first()
        return None if row is None else job_of(row)

    def find(
        self,
        *,
        states: Sequence[State] = (),
        repository: str = "",
        image: str = "",
        ref: str = "",
        trigger: str = "",
        before: int | None = None,
        limit: int = 100,
    ) -> tuple[Job, ...]:
        """Return jobs, the newest first; ``before`` is the number of the last one of the page before."""
        query = sa.select(JOBS).order_by(JOBS.c.number.desc()).limit(limit)
        if states:
            query = query.where(JOBS.c.state.in_(states))
        if repository:
            query = query.where(JOBS.c.repository == repository)
        if image:
            query = query.where(JOBS.c.image == image)
        if ref:
            query = query.where(JOBS.c.ref == ref)
        if trigger:
            query = query.where(JOBS.c.trigger == trigger)
        if before is not None:
            query = query.where(JOBS.c.number < before)
        with self.engine.connect() as connection:
            return tuple(job_of(row) for row in connection.execute(query).mappings())

    def labels_of_open(self) -> frozenset[tuple[str, ...]]:
        """Return each set of labels that a job that waits or runs asks for."""
        query = sa.select(JOBS.c.labels).where(JOBS.c.state.in_(_RUNNING)).distinct()
        with self.engine.connect() as connection:
            return frozenset(
                msgspec.json.decode(found, type=tuple[str, ...]) for found in connection.execute(query).scalars()
            )

    def begin(self, job_id: str, worker: str) -> Job | None:
        """Begin a new attempt; None when the job has ended or is to be cancelled."""
        with self.engine.begin() as connection:
            changed = connection.execute(
                sa.update(JOBS)
                .where(JOBS.c.id == job_id, JOBS.c.state.in_(_RUNNING), JOBS.c.cancel == "")
                .values(
                    state="running",
                    attempt=JOBS.c.attempt + 1,
                    worker=worker,
                    reason="",
                    started_at=sa.func.coalesce(JOBS.c.started_at, time.time()),
                )
            )
            if changed.rowcount == 0:
                return None
            job = self._tell(connection, job_id)
            connection.execute(
                sa.insert(ATTEMPTS).values(job=job_id, number=job.attempt, worker=worker, started_at=time.time())
            )
        return job

    def is_current(self, job_id: str, attempt: int) -> bool:
        """Tell whether ``attempt`` is the newest of a job that still runs and is not to be cancelled."""
        job = self.get(job_id)
        return job is not None and job.state == "running" and job.attempt == attempt and not job.cancel

    def end(
        self,
        job_id: str,
        attempt: int,
        state: State,
        *,
        result: JobResult | None = None,
        error: JobError | None = None,
    ) -> bool:
        """End a job; False when ``attempt`` is not its newest or it has ended, and then nothing changes."""
        now = time.time()
        values = {
            "state": state,
            "ended_at": now,
            "reason": "",
            "result": "" if result is None else _json(result),
            "error": "" if error is None else _json(error),
        }
        with self.engine.begin() as connection:
            changed = connection.execute(
                sa.update(JOBS)
                .where(JOBS.c.id == job_id, JOBS.c.attempt == attempt, JOBS.c.state.in_(_RUNNING))
                .values(**values)
            )
            if changed.rowcount == 0:
                return False
            connection.execute(
                sa.update(ATTEMPTS)
                .where(ATTEMPTS.c.job == job_id, ATTEMPTS.c.number == attempt)
                .values(ended_at=now, outcome=state, error=values["error"])
            )
            job = self._tell(connection, job_id)
            if job.state == "done" and job.result is not None:
                _note_release(connection, job, job.result)
                if job.result.artifacts:
                    _note_newest(connection, job)
        return True

    def proposed(self, job_id: str, *, url: str = "", error: str = "") -> None:
        """Note what a forge said to the lock that a job offered: where that is to be read, or why it refused."""
        with self.engine.begin() as connection:
            row = connection.execute(sa.select(JOBS.c.result).where(JOBS.c.id == job_id)).scalar()
            result = msgspec.json.decode(row, type=JobResult) if row else None
            if result is None or result.proposal is None:
                return
            proposal = msgspec.structs.replace(result.proposal, url=url, error=error)
            news = _json(msgspec.structs.replace(result, proposal=proposal))
            connection.execute(sa.update(JOBS).where(JOBS.c.id == job_id).values(result=news))

    def ask_to_cancel(self, job_id: str, why: str) -> bool:
        """Note that a job is to be ended; whoever runs it sees that. False when it has ended.

        From then on the same may be asked for again.
        """
        with self.engine.begin() as connection:
            changed = connection.execute(
                sa.update(JOBS)
                .where(JOBS.c.id == job_id, JOBS.c.state.in_(_RUNNING), JOBS.c.cancel == "")
                .values(cancel=why, once=JOBS.c.id)
            )
        return changed.rowcount > 0

    def _tell(self, connection: sa.Connection, job_id: str) -> Job:
        job = job_of(connection.execute(sa.select(JOBS).where(JOBS.c.id == job_id)).mappings().one())
        if self._changed is not None:
            self._changed(connection, job)
        return job


def _note_newest(connection: sa.Connection, job: Job) -> None:
    """Note the newest build of an image; jobs may end in another order than they were asked for."""
    image = str(job.request.image)
    known = connection.execute(sa.select(NEWEST.c.number).where(NEWEST.c.image == image)).scalar()
    here = sa.update(NEWEST).where(NEWEST.c.image == image, NEWEST.c.number < job.number)
    if known is not None:
        connection.execute(here.values(number=job.number))
        return
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(NEWEST).values(image=image, number=job.number))
    except sa.exc.IntegrityError:  # somebody else was as quick
        connection.execute(here.values(number=job.number))


def _note_release(connection: sa.Connection, job: Job, result: JobResult) -> None:
    if result.number:
        values = {"image": result.name, "channel": result.channel, "number": result.number}
        row = {"job": job.number, "destination": job.request.destination, **values}
        connection.execute(sa.insert(RELEASES).values(**row))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def job_of(row: sa.RowMapping) -> Job:
    """Return the job in a row of the table."""
    return Job(
        id=row["id"],
        number=row["number"],
        request=msgspec.json.decode(row["request"], type=JobRequest),
        priority=row["priority"],
        labels=msgspec.json.decode(row["labels"], type=tuple[str, ...]),
        state=row["state"],
        reason=row["reason"],
        attempt=row["attempt"],
        worker=row["worker"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        cancel=row["cancel"],
        error=msgspec.json.decode(row["error"], type=JobError) if row["error"] else None,
        result=msgspec.json.decode(row["result"], type=JobResult) if row["result"] else None,
    )
