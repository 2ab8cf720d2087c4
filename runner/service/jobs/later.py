# SPDX-License-Identifier: Apache-2.0
"""What was asked for after a job, and may have been quicker than it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.service.jobs.model import Job
    from runner.service.jobs.store import JobStore

_PAGE = 100


def overtaken_by(jobs: JobStore, job: Job) -> Job | None:
    """Return a later job whose lock is to be proposed instead of that of ``job``, None where there is none.

    That is one of the same schedule and folder that has begun and did not fail, if it builds another commit or the
    same image: it was asked for later, so it knows a later state of the branch or of the packages.
    """
    return next((other for other in _later(jobs, job) if _takes_over(other, job)), None)


def _takes_over(other: Job, job: Job) -> bool:
    mine, theirs = job.request, other.request
    if (theirs.schedule, theirs.image.subdir) != (mine.schedule, mine.image.subdir):
        return False
    return theirs.commit != mine.commit or theirs.image == mine.image


def _later(jobs: JobStore, job: Job) -> Iterator[Job]:
    """Jobs of the repository that were asked for later and run or are done, the newest first."""
    before = None
    repository, trigger = job.request.image.repository, job.request.trigger
    while page := jobs.find(
        states=("running", "done"), repository=repository, trigger=trigger, before=before, limit=_PAGE
    ):
        yield from (other for other in page if other.number > job.number)
        before = page[-1].number
        if before <= job.number:
            return
