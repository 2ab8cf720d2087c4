# SPDX-License-Identifier: Apache-2.0
"""Tables of an older version are brought up to date, in either database."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
import pytest
import sqlalchemy as sa

from runner.service.database.connect import open_database
from runner.service.database.tables import ABOUT, VERSION
from runner.service.jobs.history import newest_builds
from runner.service.jobs.model import Artifact, ImageKey, JobRequest, JobResult
from runner.service.jobs.store import JobStore
from runner.service.watch.memory import WatchMemory

if TYPE_CHECKING:
    from sqlalchemy import Engine

REQUEST = JobRequest(
    image=ImageKey(repository="images", subdir="server", type_name="oem", arch="x86_64"),
    ref="refs/heads/main",
    commit="c" * 40,
    trigger="push",
    channel="edge",
)
RESULT = JobResult(artifacts=(Artifact(name="server.raw", size=1, sha256="e" * 64),))


@pytest.fixture
def first_version(engine: Engine, database: str) -> str:
    """A database as version 1 had it: one job that waits, two that built something."""
    jobs = JobStore(engine)
    for nonce in ("", "1", "2"):
        job = jobs.add(msgspec.structs.replace(REQUEST, nonce=nonce))
        assert job is not None
        assert not nonce or jobs.end(job.id, 0, "done", result=RESULT)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE watches DROP COLUMN tags"))
        connection.execute(sa.text("INSERT INTO watches VALUES ('images', NULL, 0, 0, '', '', '')"))
        connection.execute(sa.text("DROP TABLE newest"))
        connection.execute(sa.text("DROP TABLE pushed"))
        connection.execute(ABOUT.update().values(version=1))
    return database


def test_a_database_of_the_first_version_is_taken_over(first_version: str) -> None:
    for _ in range(2):
        again = open_database(first_version)
        assert [job.state for job in JobStore(again).find()] == ["done", "done", "queued"]
        assert [job.number for job in newest_builds(again)] == [3]
        memory = WatchMemory(again)
        assert memory.tag_patterns("images") == ()
        memory.note_tags("images", (), {})
        memory.note_pushed("images", {"refs/heads/packhouse/lock": "c" * 40})
        again.dispose()


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_many_machines_may_begin_with_it_at_once(first_version: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(open_database, [first_version] * 4))
    for engine in opened:
        with engine.connect() as connection:
            assert connection.execute(sa.select(ABOUT.c.version)).scalars().all() == [VERSION]
        engine.dispose()
