# SPDX-License-Identifier: Apache-2.0
"""Keep the queue whole whatever process died when: run every few seconds by every process, done by one.

A job is a row of ours and a workflow of the queue, which are written one after the other; a worker may die between
them, or hold a workflow. Everything here may be done twice without harm.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from runner.service.jobs.model import JobError

if TYPE_CHECKING:
    from runner.service.database.leases import Leases
    from runner.service.jobs.model import Job
    from runner.service.jobs.store import JobStore
    from runner.service.queue.api import Queue
    from runner.service.queue.workers import Workers

_LEASE, _LEASE_SECONDS = "queue-upkeep", 30.0
_MOST = 10_000
_YOUNG_SECONDS = 5.0
"""A row this young may still be on its way into the queue."""

_LOST = JobError(
    kind="internal",
    what="the queue lost the job",
    hint="build it again; the log of the runner may tell what happened",
)


class Upkeep:
    """Gives the jobs of dead workers to others, and submits or ends what a crash left half done.

    ``here`` is the worker in this process: it lives, even where the database was too slow to hear of it in time.
    """

    def __init__(self, jobs: JobStore, queue: Queue, workers: Workers, leases: Leases, *, here: str = "") -> None:
        self._jobs, self._queue, self._workers, self._leases, self._here = jobs, queue, workers, leases, here
        self._log = structlog.get_logger()

    def once(self) -> None:
        """Look once, unless another process does."""
        if not self._leases.take(_LEASE, _LEASE_SECONDS):
            return
        jobs = {job.id: job for job in self._jobs.find(states=("queued", "running"), limit=_MOST)}
        self._resume(jobs)
        self._renew(jobs)
        self._submit(jobs)
        self._end_lost(jobs)

    def _resume(self, jobs: dict[str, Job]) -> None:
        live = {self._here, *(worker.id for worker in self._workers.live())}
        for job_id, worker in self._queue.held().items():
            if worker not in live and job_id in jobs:
                self._log.warning("a job's worker is gone", job=jobs[job_id].number, worker=worker)
                self._queue.resume(job_id, labels=jobs[job_id].labels)

    def _renew(self, jobs: dict[str, Job]) -> None:
        """After an upgrade that changed the steps: nobody would ever take what waits for the workers before it."""
        for job_id in self._queue.outdated(list(jobs)):
            job = jobs[job_id]
            self._log.info("a job of an older version begins anew", job=job.number)
            self._queue.renew(job_id, labels=job.labels, priority=job.priority)

    def _submit(self, jobs: dict[str, Job]) -> None:
        before = time.time() - _YOUNG_SECONDS
        known = self._queue.known(list(jobs))
        for job in sorted(jobs.values(), key=lambda job: job.number):
            if job.created_at > before:
                continue
            if job.cancel and job.state == "queued":
                self._queue.cancel(job.id)
                self._jobs.end(job.id, job.attempt, "cancelled")
            elif job.id not in known:
                self._queue.submit(job.id, labels=job.labels, priority=job.priority)

    def _end_lost(self, jobs: dict[str, Job]) -> None:
        """End what the queue is done with though nobody noted how it went: nobody will."""
        before = time.time() - _YOUNG_SECONDS
        for job_id in self._queue.ended([job.id for job in jobs.values() if job.created_at <= before]):
            job = jobs[job_id]
            if job.cancel:
                self._jobs.end(job.id, job.attempt, "cancelled")
            elif self._jobs.end(job.id, job.attempt, "failed", error=_LOST):
                self._log.error("the queue lost a job", job=job.number)
