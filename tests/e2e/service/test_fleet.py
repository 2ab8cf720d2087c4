# SPDX-License-Identifier: Apache-2.0
"""Several workers on PostgreSQL: every job ends once, whoever dies or sleeps meanwhile."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.support.bench import wait_until
from tests.support.fleet import fleet_of
from tests.support.git_repo import GitRepo
from tests.support.postgres import PostgresServer

if TYPE_CHECKING:
    from tests.support.bench import Bench
    from tests.support.fleet import Fleet

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.timeout(1500),
]

JOBS = 30


def take_time(fleet: Fleet, seconds: float) -> None:
    fleet.bench.setup.script(f"echo sleeping; sleep {seconds}\n")
    fleet.commit = GitRepo(fleet.bench.setup.description).commit(message="Take time")


def test_thirty_jobs_survive_a_killed_and_a_stopped_worker(bench: Bench) -> None:
    with PostgresServer() as server, server.database() as url, fleet_of(bench, url) as fleet:
        take_time(fleet, 0.5)
        jobs = [fleet.submit(str(number), channel=f"c{number}") for number in range(JOBS)]
        killed, stopped = fleet.worker("one"), fleet.worker("two")
        wait_until(lambda: any(fleet.at(job).has_ended for job in jobs), seconds=120)
        wait_until(lambda: running(fleet, "one"), seconds=60)
        killed.send_signal(signal.SIGKILL)
        wait_until(lambda: running(fleet, "two"), seconds=60)
        stopped.send_signal(signal.SIGSTOP)
        fleet.worker("three")
        time.sleep(20)  # long enough to be taken for dead: three heartbeats are three seconds
        stopped.send_signal(signal.SIGCONT)
        ended = [fleet.ended(job, seconds=900) for job in jobs]
        assert [job.state for job in ended] == ["done"] * JOBS
        assert [fleet.published(f"c{number}") for number in range(JOBS)] == [[1]] * JOBS
        assert any(job.attempt > 1 for job in ended)
        assert {job.worker for job in ended} >= {"two", "three"}


def running(fleet: Fleet, worker: str) -> bool:
    return any(job.worker == worker for job in fleet.jobs.find(states=("running",)))


def test_one_process_restarted_at_random_moments(bench: Bench) -> None:
    """On SQLite, forty times."""
    chance = random.Random(7)  # noqa: S311  # the same moments every time
    with fleet_of(bench) as fleet:
        take_time(fleet, 0.2)
        jobs = [fleet.submit(str(number), channel=f"c{number}") for number in range(10)]
        for _ in range(40):
            child = fleet.worker()
            time.sleep(chance.uniform(0, 4))
            child.send_signal(signal.SIGKILL)
            child.wait()
        fleet.worker()
        ended = [fleet.ended(job, seconds=300) for job in jobs]
        assert [job.state for job in ended] == ["done"] * len(jobs)
        assert [fleet.published(f"c{number}") for number in range(len(jobs))] == [[1]] * len(jobs)
