# SPDX-License-Identifier: Apache-2.0
"""A job that is resumed goes the way it went before, on the real DBOS; what its steps give is made up."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import msgspec
import pytest

from runner.service.database.connect import open_database
from runner.service.database.leases import Leases
from runner.service.jobs.model import Artifact, ImageKey, Job, JobRequest, JobResult
from runner.service.jobs.store import JobStore
from runner.service.queue import durable as on_dbos
from runner.service.queue.api import Abandoned
from runner.service.queue.dispatch import Dispatcher
from runner.service.queue.durable import DbosQueue, make_tables, queue_database, working
from runner.service.queue.job_body import Workplace, run_job
from runner.service.queue.settings import JobSettings, LockBranch
from runner.service.queue.upkeep import Upkeep
from runner.service.queue.workers import Workers
from runner.service.steps.order import Built, Locked, Proposed, Published
from tests.support.bench import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from runner.service.queue.api import Durable

IMAGE = ImageKey(repository="images", type_name="oem", arch="x86_64")
FILES = (Artifact(name="tiny.raw", size=1, sha256="e" * 64),)
LOCK = "d" * 64
OUTCOMES = {
    "lock": Locked(name="tiny", version="1.0", text="{}", digest=LOCK),
    "build": Built(manifest="m" * 64, keyid="k", artifacts=FILES),
    "publish": Published(manifest="p" * 64, number=5, created=True),
    "propose": Proposed(branch="packhouse/lock", base="main", title="Refresh the lock"),
}


class Given:
    """The steps of a job, kept by DBOS; ``before`` is called when one begins that has an outcome made up."""

    def __init__(self, durable: Durable, before: Callable[[str], None]) -> None:
        self._durable, self._before = durable, before

    def step(self, name: str, do: Callable[[], str]) -> str:
        def give() -> str:
            self._before(name)
            return msgspec.json.encode(OUTCOMES[name]).decode()

        return self._durable.step(name, give if name in OUTCOMES else do)


class World:
    """A database with a queue beside it."""

    def __init__(self, folder: Path, database: str) -> None:
        self.url, engine = queue_database(database, folder), open_database(database)
        make_tables(self.url)
        self.jobs = JobStore(engine)
        settings = JobSettings(
            url="file:///nowhere",
            environment={},
            storage="file:///nowhere",
            lock_branch=LockBranch(name="packhouse/lock", author=("A", "a@example.org")),
        )
        self.place = Workplace(
            engine=engine,
            jobs=self.jobs,
            worker="w",
            work=folder / "work",
            settings_of=lambda _request: settings,
            stopping=threading.Event(),
        )

    def queue(self) -> contextlib.closing[DbosQueue]:
        return contextlib.closing(DbosQueue(self.url))

    def at(self, job: Job) -> Job:
        found = self.jobs.get(job.id)
        assert found is not None
        return found

    def ask(self, queue: DbosQueue, nonce: str) -> Job:
        request = JobRequest(
            image=IMAGE,
            ref="refs/heads/main",
            commit="c" * 40,
            trigger="nightly",
            channel="nightly",
            refresh=True,
            schedule="nightly",
            nonce=nonce,
        )
        job = Dispatcher(self.jobs, queue).submit(request)
        assert job is not None
        return job

    @contextlib.contextmanager
    def working(self, run: Callable[[str, Durable], None]) -> Iterator[None]:
        with working(self.url, worker="w", run=run, patience=lambda: 0) as listening:
            listening.listen(["x86_64"], 4)
            yield

    def upkeep(self, queue: DbosQueue) -> Upkeep:
        """As another process does it, to which the worker ``w`` is gone."""
        return Upkeep(self.jobs, queue, Workers(self.jobs.engine, 1.0), Leases(self.jobs.engine, "other"))


@pytest.fixture
def world(tmp_path: Path, database: str) -> Iterator[World]:
    made = World(tmp_path, database)
    yield made
    made.jobs.engine.dispose()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_others_built_meanwhile_changes_no_way(world: World) -> None:
    abandoned = threading.Event()

    def before(step: str) -> None:
        if step == "publish" and not abandoned.is_set():
            result = JobResult(lock=LOCK, artifacts=FILES)
            assert world.jobs.end(first.id, 0, "done", result=result)
            abandoned.set()
            raise Abandoned

    with world.queue() as queue:
        first = world.ask(queue, "1")
        queue.cancel(first.id)  # as if another worker had it
        second = world.ask(queue, "2")
        with world.working(lambda job, durable: run_job(world.place, job, Given(durable, before))):
            wait_until(abandoned.is_set, seconds=20)
            queue.resume(second.id, labels=second.labels)
            wait_until(lambda: world.at(second).has_ended, seconds=20)
    ended = world.at(second)
    assert (ended.state, ended.attempt, ended.error) == ("done", 2, None)
    assert ended.result is not None
    assert (ended.result.unchanged, ended.result.number) == (False, 5)
    assert ended.result.proposal is not None
    assert ended.result.proposal.branch == "packhouse/lock"


def test_jobs_of_an_older_version_begin_anew(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, anew = threading.Event(), list[str]()

    def run_before(_job: str, durable: Durable) -> None:
        durable.step("one", lambda: "said")
        begun.set()
        raise Abandoned

    def run(job_id: str, durable: Durable) -> None:
        anew.append(durable.step("another", lambda: "done"))
        assert world.jobs.begin(job_id, "w")
        assert world.jobs.end(job_id, 1, "done")

    with monkeypatch.context() as patched, world.queue() as queue:
        patched.setattr(on_dbos, "_STEPS", on_dbos._STEPS - 1)
        broken_off = world.ask(queue, "1")
        with world.working(run_before):
            wait_until(begun.is_set, seconds=20)
        waiting = world.ask(queue, "2")
    with world.queue() as queue, world.working(run):
        upkeep = world.upkeep(queue)
        upkeep.once()
        wait_until(lambda: all(world.at(job).has_ended for job in (broken_off, waiting)), seconds=20)
    assert {world.at(job).state for job in (broken_off, waiting)} == {"done"}
    assert anew == ["done", "done"]
