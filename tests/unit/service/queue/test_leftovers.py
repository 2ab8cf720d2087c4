# SPDX-License-Identifier: Apache-2.0
"""What a machine keeps of jobs: the results it may still publish, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.service.jobs.model import ImageKey, JobRequest
from runner.service.jobs.store import JobStore
from runner.service.queue.leftovers import sweep

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

    from runner.service.jobs.model import Job


def a_job(jobs: JobStore, name: str, worker: str) -> Job:
    image = ImageKey(repository=name, type_name="oem", arch="x86_64")
    made = jobs.add(JobRequest(image=image, ref="r", commit="c", trigger="push"))
    assert made is not None
    begun = jobs.begin(made.id, worker)
    assert begun is not None
    return begun


def test_results_of_jobs_that_went_elsewhere_are_erased(engine: Engine, tmp_path: Path) -> None:
    jobs, work = JobStore(engine), tmp_path / "work"
    names = ("ours", "running", "moved", "ended")
    made = {name: a_job(jobs, name, "here") for name in names}
    jobs.begin(made["moved"].id, "there")
    jobs.end(made["ended"].id, 1, "failed")
    jobs.end(made["running"].id, 1, "cancelled")  # this worker is about to notice
    for folder in (*(job.id for job in made.values()), "f" * 32, ".gone-before"):
        (work / folder / "result").mkdir(parents=True)
        (work / folder / "result" / "image").write_text("much")
    assert sweep(work, jobs, "here", lambda: {made["running"].id}) == 3
    assert {path.name for path in work.iterdir()} == {made["ours"].id, made["running"].id}
    assert sweep(work / "nothing", jobs, "here", tuple) == 0
