# SPDX-License-Identifier: Apache-2.0
"""Why a job waits, in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from runner.service.jobs.model import Job
    from runner.service.queue.workers import WorkerRecord


def waiting_reason(job: Job, workers: Collection[WorkerRecord], others: Sequence[Job]) -> str:
    """Return why ``job`` waits.

    ``workers`` are those that live; ``others`` are all jobs that run or wait, ``job`` may be among them.
    """
    if job.cancel:
        return "is being cancelled"
    able = [worker for worker in workers if set(job.labels) <= set(worker.labels)]
    if not able:
        return f"no live worker has {_labels(job)}"
    taking = [worker for worker in able if not worker.draining]
    if not taking:
        return f"every worker with {_labels(job)} is draining"
    names = {worker.id for worker in taking}
    builds = sum(worker.builds for worker in taking)
    busy = sum(1 for other in others if other.state == "running" and other.worker in names)
    ahead = sum(1 for other in others if _is_before(other, job))
    if ahead:
        return f"{_count(ahead, 'job')} before it"
    if busy >= builds:
        return "the only build is busy" if builds == 1 else f"all {builds} builds are busy"
    return job.reason or "about to begin"


def _is_before(other: Job, job: Job) -> bool:
    """Tell whether ``other`` waits in the same queue, nearer to its head."""
    sooner = (other.priority, other.number) < (job.priority, job.number)
    return other.state == "queued" and other.labels == job.labels and sooner


def _labels(job: Job) -> str:
    return f"the {'labels' if len(job.labels) > 1 else 'label'} {', '.join(job.labels) or '(none)'}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
