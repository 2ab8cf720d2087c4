# SPDX-License-Identifier: Apache-2.0
"""What a build has that the one before it had not: packages, and sizes of files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import PackhouseError
from runner.packages import lockfile
from runner.packages.compare import PackageChange, compare
from runner.service.jobs.history import build_before
from runner.service.jobs.locks import LockTexts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

    from runner.packages.lock import LockedPackage
    from runner.service.jobs.model import Job, JobResult

_SHOWN = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeChange:
    """A file of the result; 0 bytes before for a new one, after for one that is gone."""

    name: str
    before: int
    after: int

    @property
    def by(self) -> int:
        return self.after - self.before


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """``packages`` is None where a lock of either build is not known; ``more`` counts those that are left out."""

    to: Job
    packages: tuple[PackageChange, ...] | None
    more: int
    sizes: tuple[SizeChange, ...]


def difference(engine: Engine, job: Job) -> Difference | None:
    """Compare the build of ``job`` with the one before it; None where there is nothing to compare."""
    before = build_before(engine, job) if job.result and job.result.artifacts else None
    if job.result is None or before is None or before.result is None:
        return None
    packages = _packages(LockTexts(engine), before.result, job.result)
    return Difference(
        to=before,
        packages=None if packages is None else packages[:_SHOWN],
        more=max(0, len(packages or ()) - _SHOWN),
        sizes=_sizes(before.result, job.result),
    )


def _packages(locks: LockTexts, before: JobResult, after: JobResult) -> tuple[PackageChange, ...] | None:
    if before.lock == after.lock:
        return ()
    old, new = _locked(locks, before.lock), _locked(locks, after.lock)
    return None if old is None or new is None else compare(old, new)


def _locked(locks: LockTexts, digest: str) -> Sequence[LockedPackage] | None:
    found = locks.get(digest)
    if found is None:
        return None
    try:
        file = lockfile.parse(found.encode())
    except PackhouseError:  # written by another version
        return None
    return [package for lock in file.locks for package in lock.packages]


def _sizes(before: JobResult, after: JobResult) -> tuple[SizeChange, ...]:
    """Pair files by their name without the version, which is in most of them."""
    old = {item.name.replace(before.version, "…"): item for item in before.artifacts}
    new = {item.name.replace(after.version, "…"): item for item in after.artifacts}
    return tuple(
        SizeChange(
            name=new[key].name if key in new else old[key].name,
            before=old[key].size if key in old else 0,
            after=new[key].size if key in new else 0,
        )
        for key in sorted(old.keys() | new.keys())
    )
