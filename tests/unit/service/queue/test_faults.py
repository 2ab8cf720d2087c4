# SPDX-License-Identifier: Apache-2.0
"""A job ends, or goes on later, whatever ails the database or us."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest
import sqlalchemy as sa

from runner.errors import UsageError
from runner.redact import Redactor
from runner.service.database.connect import database_url, open_database
from runner.service.database.leases import Leases
from runner.service.database.patience import patiently
from runner.service.database.tables import JOBS, LOGS
from runner.service.jobs.model import Artifact, ImageKey, Job, JobRequest, Proposal
from runner.service.jobs.store import JobStore
from runner.service.logs.reader import read_lines
from runner.service.logs.writer import LogWriter
from runner.service.queue.api import Abandoned
from runner.service.queue.job_body import Workplace, run_job
from runner.service.queue.settings import JobSettings, LockBranch
from runner.service.queue.upkeep import Upkeep
from runner.service.queue.workers import Workers
from runner.service.steps.order import Built, Locked, Published
from tests.support.bench import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from runner.service.queue.settings import SettingsOf

IMAGE = ImageKey(repository="images", type_name="oem", arch="x86_64")
ARTIFACT = Artifact(name="tiny.raw", size=1, sha256="e" * 64)
REQUEST = JobRequest(image=IMAGE, ref="refs/heads/main", commit="c" * 40, trigger="push")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    opened = open_database(database_url("", tmp_path))
    yield opened
    opened.dispose()


def a_job(engine: sa.Engine) -> Job:
    job = JobStore(engine).add(REQUEST)
    assert job is not None
    return job


def workplace(engine: sa.Engine, work: Path, settings_of: SettingsOf) -> Workplace:
    return Workplace(
        engine=engine,
        jobs=JobStore(engine),
        worker="w",
        work=work,
        settings_of=settings_of,
        stopping=threading.Event(),
    )


class AtOnce:
    """Steps that are not remembered."""

    def step(self, _name: str, do: Callable[[], str]) -> str:
        return do()


def logged(engine: sa.Engine, job: Job) -> list[str]:
    return [line for _, lines in read_lines(engine, job.id, 1) for line in lines]


def lose(engine: sa.Engine, table: sa.Table) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(f"ALTER TABLE {table.name} RENAME TO away"))


def find(engine: sa.Engine, table: sa.Table) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(f"ALTER TABLE away RENAME TO {table.name}"))


def test_what_fails_for_a_while_is_tried_again(engine: sa.Engine) -> None:
    job = a_job(engine)
    lose(engine, JOBS)
    back = threading.Timer(0.5, find, (engine, JOBS))
    back.start()
    assert patiently(lambda: JobStore(engine).get(job.id)) == job
    lose(engine, JOBS)
    with pytest.raises(sa.exc.OperationalError):
        patiently(lambda: JobStore(engine).get(job.id), seconds=0.3)


def test_the_log_keeps_its_lines_until_they_are_written(engine: sa.Engine) -> None:
    job = a_job(engine)
    with LogWriter(engine, job.id, 1) as log:
        lose(engine, LOGS)
        log("one")
        time.sleep(1.5)  # its thread has tried
        log("two")
        find(engine, LOGS)
    assert logged(engine, job) == ["one", "two"]


def test_a_fault_of_ours_ends_the_job(engine: sa.Engine, tmp_path: Path) -> None:
    def settings_of(request: JobRequest) -> JobSettings:
        raise ValueError(f"unheard of: {request.ref}")

    job = a_job(engine)
    run_job(workplace(engine, tmp_path, settings_of), job.id, AtOnce())
    ended = JobStore(engine).get(job.id)
    assert ended is not None
    assert ended.error is not None
    assert (ended.state, ended.error.kind) == ("failed", "internal")
    assert logged(engine, job)[-2] == "ValueError: unheard of: refs/heads/main"


def test_without_a_database_the_job_is_left_for_later(engine: sa.Engine, tmp_path: Path) -> None:
    def settings_of(request: JobRequest) -> JobSettings:
        lose(engine, JOBS)
        place.stopping.set()  # nobody waits then
        return JobSettings(url=f"file:///{request.ref}", environment={})

    job, place = a_job(engine), workplace(engine, tmp_path, settings_of)
    with pytest.raises(Abandoned):
        run_job(place, job.id, AtOnce())
    find(engine, JOBS)
    left = JobStore(engine).get(job.id)
    assert left is not None
    assert left.state == "running"


def test_while_every_connection_is_in_use_the_job_is_left_for_later(tmp_path: Path) -> None:
    """As when a server takes no new ones, and keeps those that there are waiting."""
    url = database_url("", tmp_path)
    open_database(url).dispose()
    few = sa.create_engine(url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    held: list[sa.Connection] = []

    def settings_of(request: JobRequest) -> JobSettings:
        held.append(few.connect())
        place.stopping.set()
        return JobSettings(url=f"file:///{request.ref}", environment={})

    job, place = a_job(few), workplace(few, tmp_path, settings_of)
    with pytest.raises(Abandoned):
        run_job(place, job.id, AtOnce())
    held.pop().close()
    left = JobStore(few).get(job.id)
    few.dispose()
    assert left is not None
    assert left.state == "running"


class Resumed:
    """The steps up to publishing have outcomes already; ``at`` is called when another one of ``steps`` begins."""

    def __init__(self, at: Callable[[], object], steps: Collection[str] = ("find", "propose")) -> None:
        self._at, self._steps = at, steps

    def step(self, name: str, do: Callable[[], str]) -> str:
        outcomes: dict[str, object] = {
            "lock": Locked(name="tiny", version="1.0", text="{}", digest="d" * 64),
            "build": Built(manifest="m" * 64, keyid="k", artifacts=(ARTIFACT,)),
            "publish": Published(manifest="p" * 64, number=5, created=True),
        }
        if name in outcomes:
            return msgspec.json.encode(outcomes[name]).decode()
        if name in self._steps:
            self._at()
        return do()


def proposing(engine: sa.Engine, work: Path, redact: Redactor = Redactor()) -> Workplace:
    """A place whose jobs publish, and propose their locks."""
    settings = JobSettings(
        url=(work / "gone").as_uri(),
        environment={"HOME": str(work)},
        redact=redact,
        storage="file:///nowhere",
        lock_branch=LockBranch(name="packhouse/lock", author=("A", "a@example.org")),
    )
    return workplace(engine, work, lambda _request: settings)


def test_a_job_cancelled_while_its_lock_is_proposed_keeps_its_release(engine: sa.Engine, tmp_path: Path) -> None:
    place, job = proposing(engine, tmp_path), a_job(engine)
    run_job(place, job.id, Resumed(at=lambda: place.jobs.ask_to_cancel(job.id, "by hand")))
    ended = place.jobs.get(job.id)
    assert ended is not None
    assert ended.state == "done"
    assert ended.result is not None
    assert ended.result.number == 5
    assert ended.result.proposal == Proposal(error="the job was cancelled")


def test_a_fault_of_ours_while_a_lock_is_proposed_loses_no_release(engine: sa.Engine, tmp_path: Path) -> None:
    def fail() -> None:
        raise ValueError("unheard of: canary-secret")

    place, job = proposing(engine, tmp_path, Redactor.of(["canary-secret"])), a_job(engine)
    run_job(place, job.id, Resumed(at=fail, steps=("propose",)))
    ended = place.jobs.get(job.id)
    assert ended is not None
    assert ended.result is not None
    assert (ended.state, ended.result.number) == ("done", 5)
    assert ended.result.proposal == Proposal(error="internal error: ValueError")
    lines = logged(engine, job)
    assert "ValueError: unheard of: [redacted]" in lines
    assert "canary" not in "".join(lines)


def test_an_old_build_that_ends_late_proposes_nothing(engine: sa.Engine, tmp_path: Path) -> None:
    place, job = proposing(engine, tmp_path), a_job(engine)

    def overtake() -> None:
        later = place.jobs.add(msgspec.structs.replace(REQUEST, commit="d" * 40))
        assert later is not None
        assert place.jobs.begin(later.id, "w")

    run_job(place, job.id, Resumed(at=overtake, steps=("propose",)))
    ended = place.jobs.get(job.id)
    assert ended is not None
    assert ended.result is not None
    assert ended.result.number == 5
    assert ended.result.proposal == Proposal(error="a later build proposes its lock: job 2 has begun meanwhile")


class DoneWith:
    """A queue that has ended everything it was given."""

    def submit(self, job_id: str, *, labels: Sequence[str], priority: int) -> None:
        raise AssertionError(job_id, labels, priority)

    def cancel(self, job_id: str) -> None:
        raise AssertionError(job_id)

    def resume(self, job_id: str, *, labels: Sequence[str]) -> None:
        raise AssertionError(job_id, labels)

    def outdated(self, job_ids: Sequence[str]) -> set[str]:
        return set(job_ids[:0])

    def renew(self, job_id: str, *, labels: Sequence[str], priority: int) -> None:
        raise AssertionError(job_id, labels, priority)

    def known(self, job_ids: Sequence[str]) -> set[str]:
        return set(job_ids)

    def ended(self, job_ids: Sequence[str]) -> set[str]:
        return set(job_ids)

    def forget(self, before: float, *, most: int) -> int:
        raise AssertionError(before, most)

    def held(self) -> dict[str, str]:
        return {}


def test_who_hears_of_the_end_finds_the_whole_log_and_no_result(engine: sa.Engine, tmp_path: Path) -> None:
    found = []

    def hear(_connection: sa.Connection, job: Job) -> None:
        if job.has_ended:
            found.append((logged(engine, job)[-1:], [*work.iterdir()]))

    def settings_of(request: JobRequest) -> JobSettings:
        raise UsageError(f"nobody knows {request.ref}")

    job = a_job(engine)
    work = tmp_path / "work"
    (work / job.id).mkdir(parents=True)
    place = replace(workplace(engine, work, settings_of), jobs=JobStore(engine, changed=hear))
    run_job(place, job.id, AtOnce())
    assert found == [(["nobody knows refs/heads/main"], [])]


def test_a_job_that_the_queue_lost_has_failed(engine: sa.Engine) -> None:
    jobs, job = JobStore(engine), a_job(engine)
    upkeep = Upkeep(jobs, DoneWith(), Workers(engine, 1.0), Leases(engine, "w"))
    assert jobs.begin(job.id, "w")
    upkeep.once()
    assert [one.state for one in jobs.find()] == ["running"], "it is too young to be lost"
    with engine.begin() as connection:
        connection.execute(sa.update(JOBS).values(created_at=time.time() - 60))
    upkeep.once()
    (lost,) = jobs.find()
    assert lost.error is not None
    assert (lost.state, lost.error.what) == ("failed", "the queue lost the job")


class Held(DoneWith):
    """A queue in which the worker ``w`` has a job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.resumed: list[str] = []

    def held(self) -> dict[str, str]:
        return {self.job.id: "w"}

    def ended(self, job_ids: Sequence[str]) -> set[str]:
        return set(job_ids[:0])

    def resume(self, job_id: str, *, labels: Sequence[str]) -> None:
        assert labels == self.job.labels
        self.resumed.append(job_id)


@pytest.mark.parametrize("here", ["w", "other"])
def test_a_worker_that_nobody_heard_of_takes_no_job_from_itself(engine: sa.Engine, here: str) -> None:
    """Where the database takes long, the sign of life is old before it is looked at."""
    jobs, job = JobStore(engine), a_job(engine)
    assert jobs.begin(job.id, "w")
    queue = Held(job)
    Upkeep(jobs, queue, Workers(engine, 1.0), Leases(engine, here), here=here).once()
    assert queue.resumed == ([] if here == "w" else [job.id])


@pytest.fixture
def waiting(engine: sa.Engine, tmp_path: Path) -> Iterator[tuple[Workplace, Job, Future[None]]]:
    """A job whose repository could not be had, and that waits before it tries again."""
    settings = JobSettings(
        url=(tmp_path / "gone").as_uri(), environment={"HOME": str(tmp_path)}, log_bytes=1 << 20
    )
    place, job = workplace(engine, tmp_path, lambda _request: settings), a_job(engine)
    with ThreadPoolExecutor() as pool:
        run = pool.submit(run_job, place, job.id, AtOnce())
        wait_until(lambda: run.done() or "trying again in 10 s" in logged(engine, job), seconds=30)
        assert not run.done()
        yield place, job, run


def test_a_job_that_waits_is_cancelled_at_once(waiting: tuple[Workplace, Job, Future[None]]) -> None:
    place, job, run = waiting
    assert place.jobs.ask_to_cancel(job.id, "by hand")
    run.result(2)
    assert [one.state for one in place.jobs.find()] == ["cancelled"]


@pytest.mark.parametrize("event", ["draining", "stopping"])
def test_a_worker_that_ends_does_not_wait_to_try_again(
    event: str, waiting: tuple[Workplace, Job, Future[None]]
) -> None:
    place, _, run = waiting
    getattr(place, event).set()
    with pytest.raises(Abandoned):
        run.result(2)
    assert [one.state for one in place.jobs.find()] == ["running"]
