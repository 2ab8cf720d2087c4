# SPDX-License-Identifier: Apache-2.0
"""Ask for jobs, end them, ask again: the words of everybody who is no worker."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.service.jobs.model import Job, JobRequest
    from runner.service.jobs.store import JobStore
    from runner.service.queue.api import Queue


class Dispatcher:
    """Writes what is asked for into both the table of jobs and the queue."""

    def __init__(self, jobs: JobStore, queue: Queue) -> None:
        self._jobs, self._queue = jobs, queue

    def submit(self, request: JobRequest, *, labels: Sequence[str] = (), priority: int = 0) -> Job | None:
        """Have ``request`` built by a worker with ``labels`` and its architecture; None for what was asked before.

        A crash between the two writes is mended by :mod:`runner.service.queue.upkeep`.
        """
        wanted = tuple(sorted({request.image.arch, *labels}))
        job = self._jobs.add(request, labels=wanted, priority=priority)
        if job is not None:
            self._queue.submit(job.id, labels=job.labels, priority=job.priority)
        return job

    def cancel(self, job_id: str, why: str) -> bool:
        """End a job, waiting or running; False when it has ended. A running one is gone within seconds."""
        if not self._jobs.ask_to_cancel(job_id, why):
            return False
        job = self._jobs.get(job_id)
        if job is not None and job.state == "queued":
            self._queue.cancel(job.id)
            self._jobs.end(job.id, job.attempt, "cancelled")
        return True

    def retry(self, job: Job) -> Job | None:
        """Ask for the same once more, as a job of its own: the old one keeps its log."""
        request = msgspec.structs.replace(job.request, nonce=uuid.uuid4().hex)
        return self.submit(request, labels=job.labels)

    def supersede(self, newest: Job) -> tuple[Job, ...]:
        """Cancel the older jobs of the branch that ``newest`` was pushed to; those of tags never."""
        if newest.request.trigger != "push":
            return ()
        older = self._jobs.find(
            image=str(newest.request.image), states=("queued", "running"), before=newest.number
        )
        gone = [job for job in older if job.request.trigger == "push" and job.request.ref == newest.request.ref]
        return tuple(job for job in gone if self.cancel(job.id, f"superseded by job {newest.number}"))
