# SPDX-License-Identifier: Apache-2.0
"""A worker on the real queue: what it is given it does, or gives back."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from runner.service.database.connect import database_url, open_database
from runner.service.database.leases import Leases
from runner.service.jobs.model import ImageKey, JobRequest
from runner.service.jobs.store import JobStore
from runner.service.queue.durable import DbosQueue, make_tables, queue_database
from runner.service.queue.job_body import Workplace
from runner.service.queue.settings import JobSettings
from runner.service.queue.upkeep import Upkeep
from runner.service.queue.worker import Crew, Worker
from runner.service.queue.workers import WorkerRecord, Workers
from tests.support.bench import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LABELS = ("x86_64",)
REQUEST = JobRequest(
    image=ImageKey(repository="images", type_name="oem", arch="x86_64"), ref="refs/heads/main", commit="c" * 40,
    trigger="push",
)  # fmt: skip


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    engine = open_database(database_url("", tmp_path))
    url = queue_database(database_url("", tmp_path), tmp_path)
    make_tables(url)
    jobs, workers = JobStore(engine), Workers(engine, 0.2)
    place = Workplace(
        engine=engine,
        jobs=jobs,
        worker="w",
        work=tmp_path / "work",
        settings_of=lambda _request: JobSettings(url=(tmp_path / "gone").as_uri(), environment={}),
        stopping=threading.Event(),
    )
    with contextlib.closing(DbosQueue(url)) as queue:
        yield Crew(
            place=place,
            record=WorkerRecord(id="w", host="here", labels=LABELS, builds=1, started_at=time.time(), seen_at=0),
            workers=workers,
            queue=queue,
            upkeep=Upkeep(jobs, queue, workers, Leases(engine, "w")),
            queues=lambda: ["x86_64"],
            heartbeat=0.2,
        )
    engine.dispose()


def test_a_job_that_is_taken_while_the_database_is_away_is_not_lost(crew: Crew, tmp_path: Path) -> None:
    jobs, queue = crew.place.jobs, crew.queue
    job = jobs.add(REQUEST)
    assert job is not None
    with jobs.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE jobs RENAME TO away"))
    with Worker(crew, queue_database("sqlite:", tmp_path)).working():
        queue.submit(job.id, labels=LABELS, priority=job.priority)
        wait_until(lambda: bool(queue.ended([job.id]) or queue.held()), seconds=20)
        time.sleep(1)
        assert queue.ended([job.id]) == set()
