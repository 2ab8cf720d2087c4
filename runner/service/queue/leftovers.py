# SPDX-License-Identifier: Apache-2.0
"""Results that nobody will publish from this machine: their jobs ended, or went to another worker."""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING

from runner.pipeline.images import erase

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from runner.service.jobs.store import JobStore

_GONE = ".gone-"


def sweep(work: Path, jobs: JobStore, worker: str, active: Callable[[], Collection[str]]) -> int:
    """Erase the folders below ``work`` of jobs that ``worker`` does not have, and return how many those were.

    ``active`` are the jobs that run here now. One that waits for this worker to come back keeps its folder.
    """
    count = 0
    for folder in sorted(work.iterdir()) if work.is_dir() else ():
        if not folder.name.startswith(_GONE):
            if folder.name in active() or _is_ours(jobs, folder.name, worker) or folder.name in active():
                continue
            count += 1
        # Under another name first: should the job begin here again at this moment, it finds no half of a result.
        gone = work / f"{_GONE}{uuid.uuid4().hex}"
        with contextlib.suppress(OSError):
            folder.rename(gone)
            erase(gone)
    return count


def _is_ours(jobs: JobStore, job_id: str, worker: str) -> bool:
    job = jobs.get(job_id)
    return job is not None and not job.has_ended and job.worker in {"", worker}
