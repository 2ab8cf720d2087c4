# SPDX-License-Identifier: Apache-2.0
"""Jobs in a database: asked for once, begun by one, ended once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
import pytest
import sqlalchemy as sa

from runner.errors import HostError
from runner.service.database.connect import database_url, open_database
from runner.service.database.tables import ABOUT, VERSION
from runner.service.jobs.history import releases
from runner.service.jobs.model import ImageKey, JobError, JobRequest, JobResult
from runner.service.jobs.store import JobStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

IMAGE = ImageKey(repository="images", subdir="server", profiles=("a", "b"), type_name="oem", arch="x86_64")
REQUEST = JobRequest(image=IMAGE, ref="refs/heads/main", commit="c" * 40, trigger="push", channel="edge")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_database(database_url("", tmp_path))
    yield opened
    opened.dispose()


@pytest.fixture
def jobs(engine: Engine) -> JobStore:
    return JobStore(engine)


def test_an_image_has_a_readable_name() -> None:
    assert str(IMAGE) == "images:server:a+b:oem:x86_64"


def test_the_same_work_is_asked_for_once(jobs: JobStore) -> None:
    first = jobs.add(REQUEST)
    assert first is not None
    assert (first.number, first.state, first.attempt) == (1, "queued", 0)
    assert jobs.add(msgspec.structs.replace(REQUEST, ref="refs/heads/other")) is None
    assert jobs.add(msgspec.structs.replace(REQUEST, channel="stable", trigger="tag")) is not None
    assert [job.number for job in jobs.find()] == [2, 1]


def test_many_ask_at_once(jobs: JobStore) -> None:
    requests = [msgspec.structs.replace(REQUEST, nonce=str(number % 5)) for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        made = [job for job in pool.map(jobs.add, requests) if job]
    assert sorted(job.number for job in made) == [1, 2, 3, 4, 5]


def test_only_the_newest_attempt_ends_a_job(jobs: JobStore) -> None:
    job = jobs.add(REQUEST)
    assert job is not None
    early, late = jobs.begin(job.id, "one"), jobs.begin(job.id, "two")
    assert early is not None
    assert late is not None
    assert not jobs.is_current(job.id, early.attempt)
    assert not jobs.end(job.id, early.attempt, "done")
    assert jobs.end(job.id, late.attempt, "failed", error=JobError(kind="build", what="it broke"))
    assert not jobs.end(job.id, late.attempt, "done", result=JobResult())
    ended = jobs.get("1")
    assert ended is not None
    assert (ended.state, ended.worker) == ("failed", "two")
    assert ended.error == JobError(kind="build", what="it broke")
    assert jobs.begin(job.id, "three") is None


def test_a_cancelled_job_is_not_begun(jobs: JobStore) -> None:
    job = jobs.add(REQUEST)
    assert job is not None
    assert jobs.ask_to_cancel(job.id, "superseded by job 2")
    assert jobs.begin(job.id, "one") is None
    assert jobs.end(job.id, 0, "cancelled")
    assert not jobs.ask_to_cancel(job.id, "again")


def test_pages_of_jobs(jobs: JobStore) -> None:
    for number in range(5):
        jobs.add(msgspec.structs.replace(REQUEST, nonce=str(number)))
    assert [job.number for job in jobs.find(limit=2)] == [5, 4]
    assert [job.number for job in jobs.find(limit=2, before=4)] == [3, 2]
    assert jobs.find(repository="other") == ()
    assert jobs.find(states=("running",)) == ()
    assert len(jobs.find(image=str(IMAGE))) == 5


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_database_gains_its_releases(database: str, version: int) -> None:
    engine = open_database(database)
    jobs = JobStore(engine)
    for number in range(1, 5):
        channel = "edge" if number % 2 else "stable"
        made = jobs.add(msgspec.structs.replace(REQUEST, destination="images", channel=channel, nonce=str(number)))
        assert made is not None
        result = JobResult(name="server", channel=channel, number=number if number < 4 else 0)
        assert jobs.end(made.id, 0, "done", result=result)
    assert jobs.add(REQUEST) is not None
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE releases"))
        if version == 1:
            connection.execute(sa.text("ALTER TABLE watches DROP COLUMN tags"))
        connection.execute(ABOUT.update().values(version=version))
    engine.dispose()
    for _ in range(2):
        again = open_database(database)
        found = releases(again, "images", "edge", "server", limit=10)
        assert [(job.number, job.result and job.result.number) for job in found] == [(3, 3), (1, 1)]
        assert [job.number for job in releases(again, "images", "edge", "server", before=3, limit=10)] == [1]
        assert [job.number for job in releases(again, "images", "stable", "server", limit=10)] == [2]
        assert releases(again, "other", "edge", "server", limit=10) == ()
        with again.connect() as connection:
            assert connection.execute(sa.select(ABOUT.c.version)).scalars().all() == [VERSION]
        again.dispose()


def test_a_newer_database_is_left_alone(engine: Engine, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(ABOUT.update().values(version=99))
    with pytest.raises(HostError, match="version 99"):
        open_database(database_url("", tmp_path))
