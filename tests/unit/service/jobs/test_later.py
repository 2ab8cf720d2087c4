# SPDX-License-Identifier: Apache-2.0
"""Which job's lock is proposed where several could be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from runner.service.database.connect import database_url, open_database
from runner.service.jobs.later import overtaken_by
from runner.service.jobs.model import ImageKey, Job, JobRequest
from runner.service.jobs.store import JobStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.service.jobs.model import State

IMAGE = ImageKey(repository="servers", type_name="oem", arch="x86_64")
REQUEST = JobRequest(
    image=IMAGE, ref="r", commit="1" * 40, trigger="nightly", refresh=True, schedule="nightly", nonce="1"
)
MOVED = msgspec.structs.replace(REQUEST, commit="2" * 40, nonce="2")
AGAIN = msgspec.structs.replace(REQUEST, nonce="2")


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[JobStore]:
    engine = open_database(database_url("", tmp_path))
    yield JobStore(engine)
    engine.dispose()


def add(jobs: JobStore, request: JobRequest, state: State = "running") -> Job:
    job = jobs.add(request)
    assert job is not None
    if state != "queued":
        begun = jobs.begin(job.id, "w")
        assert begun is not None
        assert state == "running" or jobs.end(job.id, begun.attempt, state)
    return job


@pytest.mark.parametrize("state", ["running", "done"])
@pytest.mark.parametrize("request_", [MOVED, AGAIN])
def test_a_later_job_that_has_begun_takes_over(jobs: JobStore, request_: JobRequest, state: State) -> None:
    job = add(jobs, REQUEST)
    later = add(jobs, request_, state)
    for number in range(120):
        add(jobs, msgspec.structs.replace(REQUEST, schedule="weekly", nonce=f"weekly {number}"))
    found = overtaken_by(jobs, job)
    assert found is not None
    assert found.number == later.number
    assert overtaken_by(jobs, later) is None


@pytest.mark.parametrize("state", ["queued", "failed", "cancelled"])
def test_one_that_will_propose_nothing_does_not(jobs: JobStore, state: State) -> None:
    job = add(jobs, REQUEST)
    add(jobs, MOVED, state)
    assert overtaken_by(jobs, job) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"schedule": "weekly"},
        {"trigger": "manual", "schedule": ""},
        {"image": msgspec.structs.replace(IMAGE, repository="others")},
        {"image": msgspec.structs.replace(IMAGE, subdir="desktop")},
    ],
)
def test_one_with_another_branch_does_not(jobs: JobStore, changes: dict[str, object]) -> None:
    job = add(jobs, REQUEST)
    add(jobs, msgspec.structs.replace(MOVED, **changes))
    assert overtaken_by(jobs, job) is None


def test_images_of_one_commit_share_a_branch(jobs: JobStore) -> None:
    job = add(jobs, REQUEST)
    add(jobs, msgspec.structs.replace(AGAIN, image=msgspec.structs.replace(IMAGE, type_name="vmx")))
    assert overtaken_by(jobs, job) is None
