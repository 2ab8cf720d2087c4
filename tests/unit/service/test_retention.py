# SPDX-License-Identifier: Apache-2.0
"""What is forgotten, and what stays."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from runner.service.config.model import Retention
from runner.service.database.connect import database_url, open_database
from runner.service.database.tables import JOBS, LOCKS
from runner.service.jobs.locks import LockTexts
from runner.service.jobs.model import ImageKey, JobRequest, JobResult
from runner.service.jobs.store import JobStore
from runner.service.logs.reader import line_count
from runner.service.logs.writer import LogWriter
from runner.service.retention import forget

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86400.0


def test_old_logs_and_jobs_go_and_the_newest_of_an_image_stay(tmp_path: Path) -> None:
    engine = open_database(database_url("", tmp_path))
    jobs, locks = JobStore(engine), LockTexts(engine)
    image = ImageKey(repository="images", type_name="oem", arch="x86_64")
    ids = []
    for number in range(5):
        request = JobRequest(image=image, ref="r", commit="c", trigger="manual", nonce=str(number))
        job = jobs.add(request)
        assert job is not None
        begun = jobs.begin(job.id, "worker")
        assert begun is not None
        with LogWriter(engine, job.id, 1) as log:
            log(f"line of {number}")
        if number < 4:
            locks.keep(f"{number}" * 64, "text")
            jobs.end(job.id, 1, "done", result=JobResult(lock=f"{number}" * 64))
            ended = time.time() - (100 - number) * DAY
            with engine.begin() as connection:
                connection.execute(sa.update(JOBS).where(JOBS.c.id == job.id).values(ended_at=ended))
        ids.append(job.id)
    keep = Retention(jobs=50 * DAY, logs=98.5 * DAY, jobs_per_image=2)
    assert forget(engine, keep, time.time()) == 2
    assert [job.number for job in jobs.find()] == [5, 4, 3]
    assert [line_count(engine, one, 1) for one in ids] == [0, 0, 1, 1, 1]
    with engine.connect() as connection:
        left = sorted(digest[0] for digest in connection.execute(sa.select(LOCKS.c.digest)).scalars())
    assert left == ["2", "3"]
    assert forget(engine, msgspec.structs.replace(keep, logs=1 * DAY), time.time()) == 0
    assert [line_count(engine, one, 1) for one in ids] == [0, 0, 0, 0, 1]
    engine.dispose()
