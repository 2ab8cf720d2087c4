# SPDX-License-Identifier: Apache-2.0
"""A database, a queue, a storage, and workers in processes of their own, over the tiny distribution."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from runner.service.database.connect import database_url, open_database
from runner.service.jobs.model import ImageKey, JobRequest
from runner.service.jobs.store import JobStore
from runner.service.logs.reader import read_lines
from runner.service.queue.dispatch import Dispatcher
from runner.service.queue.durable import DbosQueue, make_tables, queue_database
from runner.storage import catalog
from runner.storage.location import open_storage
from tests.support.bench import wait_until
from tests.support.git_repo import GitRepo
from tests.support.packhouse import PROJECT
from tests.support.queue_worker import Setup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.service.config.model import Limits
    from runner.service.jobs.model import Job
    from tests.support.bench import Bench

IMAGE = ImageKey(repository="tiny", type_name="squashfs", arch="x86_64")


@dataclass(slots=True)
class Fleet:
    """A database, a queue, a storage, and workers that can be killed."""

    bench: Bench
    database: str
    jobs: JobStore
    dispatcher: Dispatcher
    commit: str
    running: list[subprocess.Popen[str]]

    @property
    def url(self) -> str:
        return self.bench.setup.description.as_uri()

    def worker(
        self,
        name: str = "one",
        labels: tuple[str, ...] = ("x86_64",),
        *,
        builds: int = 1,
        limits: dict[str, Limits] | None = None,
    ) -> subprocess.Popen[str]:
        """Start a worker; one of the same name is the same machine, started again."""
        command = self.bench.command.with_env(**self.bench.setup.environment)
        command.home()
        setup = Setup(
            name=name,
            database=self.database,
            state=str(self.bench.base / "state"),
            url=self.url,
            storage=self.bench.storage.as_uri(),
            environment={**command.environment(), "PACKHOUSE_STORE": str(command.store)},
            builds=builds,
            labels=labels,
            limits=limits or {},
        )
        file = self.bench.base / f"{name}.json"
        file.write_bytes(msgspec.json.encode(setup))
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.support.queue_worker", file],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=(self.bench.base / f"{name}.log").open("a"),
            text=True,
        )
        self.running.append(child)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n", (self.bench.base / f"{name}.log").read_text()
        return child

    def submit(
        self, nonce: str = "", *, refresh: bool = False, channel: str = "edge", labels: tuple[str, ...] = ()
    ) -> Job:
        request = JobRequest(
            image=IMAGE,
            ref="refs/heads/main",
            commit=self.commit,
            trigger="nightly" if refresh else "push",
            channel=channel,
            refresh=refresh,
            nonce=nonce,
        )
        job = self.dispatcher.submit(request, labels=labels)
        assert job is not None
        return job

    def at(self, job: Job) -> Job:
        found = self.jobs.get(job.id)
        assert found is not None
        return found

    def ended(self, job: Job, seconds: float = 90) -> Job:
        try:
            wait_until(lambda: self.at(job).has_ended, seconds=seconds)
        except AssertionError:
            logs = "\n".join(path.read_text()[-3000:] for path in self.bench.base.glob("*.log"))
            raise AssertionError(f"{self.at(job)}\n{self.log(job)}\n{logs}") from None
        return self.at(job)

    def log(self, job: Job) -> str:
        attempts = range(1, self.at(job).attempt + 1)
        pieces = (read_lines(self.jobs.engine, job.id, attempt) for attempt in attempts)
        return "\n".join(line for attempt in pieces for _, lines in attempt for line in lines)

    def published(self, channel: str = "edge") -> list[int]:
        if not self.bench.storage.exists():
            return []
        return catalog.numbers(open_storage(self.bench.storage.as_uri()), "tiny", channel)


@contextlib.contextmanager
def fleet_of(bench: Bench, url: str = "") -> Iterator[Fleet]:
    """Commit the bench's description, and set all up but workers; ``url`` of the database, SQLite by default."""
    repo = GitRepo(bench.setup.description)
    repo.git("init", "-q", "-b", "main")
    commit = repo.commit(message="Begin")
    state = bench.base / "state"
    database = database_url(url, state)
    engine = open_database(database)
    make_tables(queue_database(database, state))
    jobs, queue = JobStore(engine), DbosQueue(queue_database(database, state))
    made = Fleet(bench, database, jobs, Dispatcher(jobs, queue), commit, [])
    try:
        yield made
    finally:
        for child in made.running:
            child.kill()
            child.wait()
        queue.close()
        engine.dispose()
