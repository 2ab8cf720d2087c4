# SPDX-License-Identifier: Apache-2.0
"""Jobs through the queue: done once, whatever happens to the process that does them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.service.jobs.phases import phases_of
from runner.service.queue.reasons import waiting_reason
from runner.service.queue.workers import Workers
from tests.support.apt_repo import build_deb
from tests.support.bench import wait_until
from tests.support.fleet import Fleet, fleet_of
from tests.support.git_repo import GitRepo
from tests.support.queue_worker import HEARTBEAT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.bench import Bench

pytestmark = [pytest.mark.e2e, pytest.mark.root, pytest.mark.skipif(os.geteuid() != 0, reason="needs root")]


@pytest.fixture
def fleet(bench: Bench) -> Iterator[Fleet]:
    with fleet_of(bench) as made:
        yield made


def test_a_job_is_built_and_published(fleet: Fleet) -> None:
    fleet.worker()
    job = fleet.ended(fleet.submit())
    assert (job.state, job.attempt, job.error) == ("done", 1, None)
    assert job.result is not None
    assert (job.result.number, job.result.name, job.result.channel) == (1, "tiny", "edge")
    assert fleet.published() == [1]
    names = [phase.name for phase in phases_of(fleet.jobs.engine, job.id, 1)]
    assert names[:2] == ["source", "resolve"]
    assert "packages" in names
    assert "configured" in fleet.log(job)
    assert not list((fleet.bench.base / "state" / "one").glob("*"))


def test_a_job_that_fails_says_why(fleet: Fleet) -> None:
    fleet.bench.setup.script("echo the last words; exit 3\n")
    fleet.commit = GitRepo(fleet.bench.setup.description).commit(message="Break it")
    fleet.worker()
    job = fleet.ended(fleet.submit())
    assert job.state == "failed"
    assert job.error is not None
    assert (job.error.kind, job.error.exit_code) == ("build", 8)
    assert "the last words" in "\n".join(job.error.log_tail)
    assert fleet.published() == []


def test_a_killed_worker_goes_on_where_it_was(fleet: Fleet) -> None:
    fleet.bench.setup.script("echo sleeping; sleep 2\n")
    fleet.commit = GitRepo(fleet.bench.setup.description).commit(message="Take time")
    child = fleet.worker()
    job = fleet.submit()
    wait_until(lambda: "sleeping" in fleet.log(job), seconds=60)
    child.send_signal(signal.SIGKILL)
    child.wait()
    fleet.worker()
    job = fleet.ended(job)
    assert (job.state, job.attempt) == ("done", 2)
    assert fleet.published() == [1]
    second = [phase.name for phase in phases_of(fleet.jobs.engine, job.id, 2)]
    assert "resolve" not in second, "the step that was done is not done again"


def test_a_running_job_is_cancelled_within_two_seconds(fleet: Fleet) -> None:
    fleet.bench.setup.script(f"echo sleeping; sleep {fleet.bench.nap}\n")
    fleet.commit = GitRepo(fleet.bench.setup.description).commit(message="Hang")
    fleet.worker()
    job = fleet.submit()
    wait_until(fleet.bench.hangs, seconds=60)
    began = time.monotonic()
    assert fleet.dispatcher.cancel(job.id, "by hand")
    wait_until(lambda: not fleet.bench.hangs(), seconds=2)
    job = fleet.ended(job, seconds=4)
    assert (job.state, job.cancel) == ("cancelled", "by hand")
    assert time.monotonic() - began < 4
    assert fleet.bench.command.leftovers() == []
    assert not Path(fleet.bench.base / "state" / "one" / job.id).exists()


def test_a_newer_push_supersedes_what_waits(fleet: Fleet) -> None:
    first = fleet.submit()
    second = fleet.submit(nonce="2")
    assert [job.number for job in fleet.dispatcher.supersede(second, "refs/heads/main")] == [first.number]
    assert fleet.at(first).state == "cancelled"
    fleet.worker()
    assert fleet.ended(second).state == "done"
    assert fleet.at(first).cancel == "superseded by job 2"


def test_a_nightly_build_is_made_only_when_packages_moved(fleet: Fleet, tmp_path: Path) -> None:
    fleet.worker()
    assert fleet.ended(fleet.submit("first", refresh=True)).state == "done"
    same = fleet.ended(fleet.submit("second", refresh=True))
    assert same.result is not None
    assert same.result.unchanged
    assert fleet.published() == [1]
    assert "resolve" not in [phase.name for phase in phases_of(fleet.jobs.engine, same.id, 1)]
    setup = fleet.bench.setup
    content = tmp_path / "hello"
    (content / "usr/share/hello").mkdir(parents=True)
    (content / "usr/share/hello/greeting").write_text("hello again\n")
    setup.repo.add(build_deb(tmp_path, "hello", content, version="2.0", Depends="dpkg"))
    setup.repo.write(setup.signer)
    moved = fleet.ended(fleet.submit("third", refresh=True))
    assert moved.result is not None
    assert (moved.result.unchanged, moved.result.number) == (False, 2)
    assert moved.result.lock != same.result.lock
    compared = moved.result.compared
    assert compared is not None
    assert (compared.job, compared.updated, compared.added, compared.removed) == (1, 1, 0, 0)


def test_one_limit_for_all_labels_and_draining(fleet: Fleet) -> None:
    fleet.bench.setup.script("echo working; sleep 1\n")
    fleet.commit = GitRepo(fleet.bench.setup.description).commit(message="Take time")
    workers = Workers(fleet.jobs.engine, HEARTBEAT)
    child = fleet.worker(labels=("x86_64", "kvm", "gpu"))
    # three queues, of which the worker knew none when it began, and one build at once
    sets: tuple[tuple[str, ...], ...] = ((), ("kvm",), ("gpu", "kvm"))
    jobs = [fleet.submit(str(number), labels=labels) for number, labels in enumerate(sets)]
    most = 0
    deadline = time.monotonic() + 120
    while not all(fleet.at(job).has_ended for job in jobs):
        assert time.monotonic() < deadline, (fleet.bench.base / "one.log").read_text()
        most = max(most, len(fleet.jobs.find(states=("running",))))
        time.sleep(0.05)
    assert most == 1
    assert {(fleet.at(job).state, fleet.at(job).attempt) for job in jobs} == {("done", 1)}
    foreign = fleet.submit("foreign", labels=("tpu",))
    assert waiting_reason(foreign, workers.live(), ()) == "no live worker has the labels tpu, x86_64"
    fleet.bench.setup.script("echo working; sleep 2\n")  # of what was built before nothing is done again
    fleet.commit = GitRepo(fleet.bench.setup.description).commit(message="Take more time")
    last = fleet.submit("last")
    wait_until(lambda: "working" in fleet.log(last), seconds=60)
    assert workers.drain("one")
    left = fleet.submit("left")
    assert waiting_reason(left, workers.live(), ()) == "every worker with the label x86_64 is draining"
    assert child.wait(60) == 0
    assert (fleet.at(last).state, fleet.at(last).attempt) == ("done", 1)
    assert fleet.at(left).state == "queued"
    fleet.worker()
    assert fleet.ended(left).attempt == 1
