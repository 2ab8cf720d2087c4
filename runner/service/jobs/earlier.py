# SPDX-License-Identifier: Apache-2.0
"""What was built of a job's image before, for the same place: to be compared with, or to be found the same."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from runner.digest import sha256_bytes
from runner.release.changes import decode_changes
from runner.service.jobs.locks import LockTexts
from runner.service.jobs.model import Compared
from runner.service.steps.order import EarlierBuild

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.service.jobs.model import Job, JobResult
    from runner.service.jobs.store import JobStore

_PAGE = 100


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What earlier builds mean to a job: looked for once, since others end while it runs.

    Attributes:
        unchanged: the newest has the same commit and packages, and that is reason enough to build nothing.
        proposed: the newest's lock was offered to the repository, or need not be.
        previous: number of the job to compare with; 0 for none.
    """

    unchanged: bool
    proposed: bool
    previous: int


class EarlierBuilds:
    """The builds before ``job`` for the channel of the destination that it builds for."""

    def __init__(self, jobs: JobStore, job: Job, found: Finding | None = None) -> None:
        """``found`` is what was found before, and what there is to compare with stays that."""
        self._jobs, self._job, self._found = jobs, job, found
        self._locks = LockTexts(jobs.engine)

    def find(self, lock: str) -> Finding:
        """Look what there is before a job whose packages are those of ``lock``, a digest."""
        return Finding(
            unchanged=self._job.request.refresh and self.is_newest(lock),
            proposed=self.is_proposed(),
            previous=self._built.number if self._built else 0,
        )

    def is_newest(self, lock: str) -> bool:
        """Tell whether the newest build has the commit of the job, and the packages of ``lock``, a digest."""
        newest = self._newest
        return (
            newest is not None
            and newest.request.commit == self._job.request.commit
            and _result(newest).lock == lock
        )

    def is_proposed(self) -> bool:
        """Tell whether the newest build's lock was offered to the repository, or need not be."""
        proposal = _result(self._newest).proposal if self._newest else None
        return proposal is not None and not proposal.error

    def newest_lock(self) -> str:
        """Return the lock file of the newest build; empty where there is none."""
        return self._locks.get(_result(self._newest).lock) or "" if self._newest else ""

    def to_compare(self) -> EarlierBuild | None:
        """Return the build that what the job builds is compared with."""
        if self._built is None:
            return None
        result = _result(self._built)
        lock = self._locks.get(result.lock)
        if lock is None:
            return None
        return EarlierBuild(
            manifest=result.manifest,
            version=result.version,
            number=result.number,
            lock=lock,
            files={artifact.name: artifact.size for artifact in result.artifacts},
        )

    def keep(self, changes: str) -> Compared | None:
        """Keep the file ``changes``, what came of comparing, and return it in short; None for none."""
        if not changes or self._built is None:
            return None
        digest, found = sha256_bytes(changes.encode()), decode_changes(changes.encode())
        self._locks.keep(digest, changes)
        return Compared(
            job=self._built.number,
            changes=digest,
            added=found.added,
            removed=found.removed,
            updated=found.updated,
            size_delta=found.size_delta,
        )

    @cached_property
    def _newest(self) -> Job | None:
        """The newest job that found or built something."""
        return next(self._done(), None)

    @cached_property
    def _built(self) -> Job | None:
        """The newest job with files, however many have found nothing new since."""
        if self._found is not None:
            return self._jobs.get(str(self._found.previous))
        return next((job for job in self._done() if _result(job).artifacts), None)

    def _done(self) -> Iterator[Job]:
        """Jobs that found or built something, the newest first."""
        image, place, before = str(self._job.request.image), _place(self._job), self._job.number
        while page := self._jobs.find(image=image, states=("done",), before=before, limit=_PAGE):
            yield from (job for job in page if _place(job) == place and job.result is not None)
            before = page[-1].number


def _place(job: Job) -> tuple[str, str]:
    return job.request.destination, job.request.channel


def _result(job: Job) -> JobResult:
    assert job.result is not None  # noqa: S101  # such jobs alone are taken
    return job.result
