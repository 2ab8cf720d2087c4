# SPDX-License-Identifier: Apache-2.0
"""Ask for jobs, end them, ask again: the words of everybody who is no worker."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from runner.service.jobs.model import ImageKey, Job, JobRequest, State
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

    def push(
        self,
        request: JobRequest,
        *,
        labels: Sequence[str] = (),
        priority: int = 0,
        wanted: Callable[[JobRequest], bool] = lambda _request: False,
    ) -> Job | None:
        """Submit what a branch or tag has now, and cancel what is not wanted any more of what a branch had before.

        ``wanted`` tells of what it had whether any branch or tag still has it.
        """
        job = self.submit(request, labels=labels, priority=priority)
        if request.trigger != "push":
            return job
        newest = job or self._jobs.same(request)
        if job is None and newest is not None and (latest := self._left(newest, request)) is not None:
            again = msgspec.structs.replace(request, nonce=f"after {latest.id}")
            job = self.submit(again, labels=labels, priority=priority)
            newest = job or newest
        if newest is not None:
            self.supersede(newest, request.ref, wanted=wanted)
        return job

    def _left(self, before: Job, request: JobRequest) -> Job | None:
        """Return what the branch has been at since ``before``, when ``request`` goes back to that; None otherwise.

        That is a push that took commits back: what was released since is not what the branch has.
        """
        if not before.has_ended or before.request.ref != request.ref:
            return None
        since = self._pushed(request.image, request.ref, states=("queued", "running", "done", "failed"))
        latest = next((job for job in since if not job.cancel), before)
        return None if latest.request.commit == request.commit else latest

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

    def supersede(
        self, newest: Job, ref: str, *, wanted: Callable[[JobRequest], bool] = lambda _request: False
    ) -> tuple[Job, ...]:
        """Cancel the jobs of the branch ``ref`` that ``newest`` takes the place of, unless they are ``wanted``."""
        others = self._pushed(newest.request.image, ref, states=("queued", "running"))
        gone = [job for job in others if job.id != newest.id and not wanted(job.request)]
        return tuple(job for job in gone if self.cancel(job.id, f"superseded by job {newest.number}"))

    def _pushed(self, image: ImageKey, ref: str, *, states: Sequence[State]) -> tuple[Job, ...]:
        return self._jobs.find(image=str(image), ref=ref, trigger="push", states=states)
