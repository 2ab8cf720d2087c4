# SPDX-License-Identifier: Apache-2.0
"""Which build a job is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.service.database.connect import database_url, open_database
from runner.service.jobs.earlier import EarlierBuilds
from runner.service.jobs.locks import LockTexts
from runner.service.jobs.model import Artifact, ImageKey, Job, JobRequest, JobResult
from runner.service.jobs.store import JobStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMIT, LOCK = "c" * 40, "a" * 64
FILES = (Artifact(name="server.raw", size=1, sha256="e" * 64),)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[JobStore]:
    engine = open_database(database_url("", tmp_path))
    LockTexts(engine).keep(LOCK, "{}")
    yield JobStore(engine)
    engine.dispose()


def ask(jobs: JobStore, nonce: str, destination: str = "images", channel: str = "nightly") -> Job:
    image = ImageKey(repository="servers", type_name="oem", arch="x86_64")
    request = JobRequest(
        image=image,
        ref="r",
        commit=COMMIT,
        trigger="nightly",
        nonce=nonce,
        destination=destination,
        channel=channel,
    )
    job = jobs.add(request)
    assert job is not None
    return job


def end(jobs: JobStore, job: Job, *, files: tuple[Artifact, ...] = FILES) -> None:
    assert jobs.end(job.id, 0, "done", result=JobResult(lock=LOCK, artifacts=files, unchanged=not files))


def test_many_runs_that_found_nothing_hide_no_build(jobs: JobStore) -> None:
    end(jobs, ask(jobs, "first"))
    for night in range(120):
        end(jobs, ask(jobs, f"night {night}"), files=())
    found = EarlierBuilds(jobs, ask(jobs, "today")).to_compare()
    assert found is not None
    assert found.files == {"server.raw": 1}


def test_many_builds_for_another_channel_hide_no_build(jobs: JobStore) -> None:
    end(jobs, ask(jobs, "weekly", channel="weekly"))
    for hour in range(120):
        end(jobs, ask(jobs, f"hour {hour}"))
    assert EarlierBuilds(jobs, ask(jobs, "this week", channel="weekly")).is_newest(LOCK)


def test_a_build_for_another_destination_is_none(jobs: JobStore) -> None:
    end(jobs, ask(jobs, "before", destination="old"))
    earlier = EarlierBuilds(jobs, ask(jobs, "now", destination="new"))
    assert not earlier.is_newest(LOCK)
    assert earlier.to_compare() is None
