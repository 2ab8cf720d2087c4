# SPDX-License-Identifier: Apache-2.0
"""What is forgotten, and what stays."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from runner.service.config.model import Retention
from runner.service.database.connect import open_database
from runner.service.database.tables import JOBS, LOCKS, RELEASES
from runner.service.jobs.history import newest_builds
from runner.service.jobs.locks import LockTexts
from runner.service.jobs.model import Artifact, ImageKey, JobRequest, JobResult
from runner.service.jobs.store import JobStore
from runner.service.logs.reader import line_count
from runner.service.logs.writer import LogWriter
from runner.service.queue.durable import DbosQueue, make_tables, queue_database
from runner.service.retention import forget, forget_finished

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86400.0


def test_old_logs_and_jobs_go_and_the_newest_of_an_image_stay(engine: sa.Engine) -> None:
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
            published = JobResult(name="i", channel="edge", number=number + 1, lock=f"{number}" * 64)
            jobs.end(job.id, 1, "done", result=published)
            ended = time.time() - (100 - number) * DAY
            with engine.begin() as connection:
                connection.execute(sa.update(JOBS).where(JOBS.c.id == job.id).values(ended_at=ended))
        ids.append(job.id)
    keep = Retention(jobs=50 * DAY, logs=98.5 * DAY, jobs_per_image=2)
    assert forget(engine, keep, time.time()) == 2
    assert [job.number for job in jobs.find()] == [5, 4, 3]
    with engine.connect() as connection:
        assert sorted(connection.execute(sa.select(RELEASES.c.job)).scalars()) == [3, 4]
    assert [line_count(engine, one, 1) for one in ids] == [0, 0, 1, 1, 1]
    with engine.connect() as connection:
        left = sorted(digest[0] for digest in connection.execute(sa.select(LOCKS.c.digest)).scalars())
    assert left == ["2", "3"]
    assert forget(engine, msgspec.structs.replace(keep, logs=1 * DAY), time.time()) == 0
    assert [line_count(engine, one, 1) for one in ids] == [0, 0, 0, 0, 1]


def test_many_old_jobs_go_in_many_short_transactions(engine: sa.Engine) -> None:
    jobs, locks = JobStore(engine), LockTexts(engine)
    for digest in ("a" * 64, "b" * 64):
        locks.keep(digest, digest)
    for number in range(700):
        image = ImageKey(repository=f"r{number % 3}", type_name="oem", arch="x86_64")
        job = jobs.add(JobRequest(image=image, ref="r", commit="c", trigger="manual", nonce=str(number)))
        assert job is not None
        jobs.end(job.id, 0, "done", result=JobResult(lock=("a" if number else "b") * 64))
    with engine.begin() as connection:
        connection.execute(sa.update(JOBS).values(ended_at=JOBS.c.ended_at - 100 * DAY))
    deleted: list[int] = []

    @sa.event.listens_for(engine, "after_cursor_execute")
    def note(*told: Any) -> None:
        _connection, cursor, statement = told[:3]
        if statement.startswith("DELETE FROM jobs"):
            deleted.append(cursor.rowcount)

    assert forget(engine, Retention(jobs=50 * DAY, logs=50 * DAY, jobs_per_image=2), time.time()) == 694
    assert sum(deleted) == 694
    assert max(deleted) <= 300
    assert sorted(job.number for job in jobs.find()) == list(range(695, 701))
    assert [locks.get(digest * 64) for digest in "ab"] == ["a" * 64, None]


def test_an_old_database_gains_indexes_and_the_newest_builds(database: str) -> None:
    engine = open_database(database)
    jobs = JobStore(engine)
    image = ImageKey(repository="images", type_name="oem", arch="x86_64")
    artifact = Artifact(name="a", size=1, sha256="d" * 64)
    for number in range(3):
        job = jobs.add(JobRequest(image=image, ref="r", commit="c", trigger="manual", nonce=str(number)))
        assert job is not None
        jobs.end(job.id, 0, "done", result=JobResult(artifacts=(artifact,) if number < 2 else ()))
    assert [job.number for job in newest_builds(engine)] == [2]
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE newest"))
        connection.execute(sa.text("DROP INDEX jobs_by_end"))
    engine.dispose()
    engine = open_database(database)
    assert "jobs_by_end" in {index["name"] for index in sa.inspect(engine).get_indexes("jobs")}
    assert [job.number for job in newest_builds(engine)] == [2]
    engine.dispose()


def test_the_queue_forgets_what_it_finished_long_ago(database: str, tmp_path: Path) -> None:
    url = queue_database(database, tmp_path)
    make_tables(url)
    queue = DbosQueue(url)
    for name in ("ended", "waiting"):
        queue.submit(name, labels=("x",), priority=1)
    queue.cancel("ended")
    try:
        assert forget_finished(queue, time.time()) == 0
        assert forget_finished(queue, time.time() + 2 * DAY) == 1
        assert queue.known(["ended", "waiting"]) == {"waiting"}
    finally:
        queue.close()
