# SPDX-License-Identifier: Apache-2.0
"""Put the parts of the runner together: what ``packhouse serve`` and ``packhouse worker`` are."""

from __future__ import annotations

import contextlib
import platform
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec
import structlog

from runner.digest import digest_of
from runner.errors import PackhouseError, UsageError
from runner.service import retention
from runner.service.config.changes import changed
from runner.service.config.load import load_config
from runner.service.config.own_file import with_own_file
from runner.service.database.connect import database_url, open_database
from runner.service.database.leases import Leases
from runner.service.database.patience import AWAY
from runner.service.jobs.store import JobStore
from runner.service.meters import Meters
from runner.service.outbox.announce import job_changed
from runner.service.outbox.courier import Courier
from runner.service.outbox.http import HttpSender
from runner.service.outbox.store import Outbox
from runner.service.queue.api import queue_name
from runner.service.queue.dispatch import Dispatcher
from runner.service.queue.durable import DbosQueue, make_tables, queue_database
from runner.service.queue.job_body import Workplace
from runner.service.queue.upkeep import Upkeep
from runner.service.queue.worker import Crew, Worker
from runner.service.queue.workers import WorkerRecord, Workers
from runner.service.schedule.memory import ScheduleMemory
from runner.service.schedule.scheduler import Scheduler
from runner.service.settings import Settings
from runner.service.watch.look import Look
from runner.service.watch.memory import WatchMemory
from runner.service.watch.poller import Poller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Engine

    from runner.redact import Redactor
    from runner.service.config.model import Repository

_JOIN_SECONDS = 10.0
_LONGEST_HOST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """The parts of one process that all its others are made of.

    Attributes:
        name: tells the process from every other one.
        keep_log: sets logging up, with what hides the secrets of the configuration.
    """

    path: Path
    name: str
    settings: Settings
    engine: Engine
    jobs: JobStore
    queue: DbosQueue
    queue_url: str
    dispatcher: Dispatcher
    workers: Workers
    leases: Leases
    watches: WatchMemory
    schedules: ScheduleMemory
    meters: Meters = field(default_factory=Meters)
    keep_log: Callable[[Redactor], None] = lambda _redact: None

    def secret(self, name: str) -> str:
        """Return the value of a secret, wherever the configuration says it is by now."""
        return self.settings.secrets.value(name)

    def configured(self) -> dict[str, Repository]:
        """Return all repositories' configuration, their own files taken into account."""
        own, config = self.watches.own_files(), self.settings.config
        return {name: with_own_file(entry, own.get(name)) for name, entry in config.repositories.items()}

    def reload(self) -> None:
        """Read the configuration anew. A wrong one is told of, and the old one stays.

        So does what counts at the next start only: no part of this process sees another of it than the others.
        """
        log, before = structlog.get_logger(), self.settings.config
        try:
            wanted = load_config(self.path)
            self.watches.know(list(wanted.repositories))
        except PackhouseError as error:
            log.warning("the configuration stays as it was", error=str(error))
            return
        except AWAY:
            log.warning("the configuration stays as it was", error="the database does not answer")
            return
        changes = changed(before, wanted)
        kept = {key: getattr(before, key) for key in changes.restart}
        self.settings.config = msgspec.structs.replace(wanted, **kept)
        self.keep_log(self.settings.secrets.redactor())
        log.info("the configuration was read anew", **{
            name: list(getattr(changes, name)) for name in ("added", "removed", "changed")
        })  # fmt: skip
        if changes.restart:
            log.warning("what was changed of these counts at the next start", keys=list(changes.restart))

    @property
    def look(self) -> Look:
        return Look(self.watches, self.dispatcher)

    @property
    def scheduler(self) -> Scheduler:
        return Scheduler(
            self.schedules,
            self.look,
            self.dispatcher,
            self.leases,
            configured=self.configured,
            repository=self.settings.repository,
        )


@contextlib.contextmanager
def opened(path: Path, keep_log: Callable[[Redactor], None] = lambda _redact: None) -> Iterator[Runner]:
    """Open the runner that the configuration in ``path`` describes; ``keep_log`` as :class:`Runner` has it.

    Raises:
        UsageError: the configuration is wrong.
        HostError: the database or a secret cannot be had.
    """
    settings = Settings(load_config(path))
    keep_log(settings.secrets.redactor())
    settings.state.mkdir(parents=True, exist_ok=True)
    config = settings.config
    configured = settings.secrets.value(config.database_secret) if config.database_secret else config.database
    url = database_url(configured, settings.state)
    queue_url = queue_database(url, settings.state)
    engine = open_database(url)
    make_tables(queue_url)
    jobs = JobStore(engine, changed=lambda connection, job: job_changed(connection, job, settings.config))
    queue, name = DbosQueue(queue_url), _name(settings.state)
    try:
        yield Runner(
            path=path,
            name=name,
            settings=settings,
            engine=engine,
            jobs=jobs,
            queue=queue,
            queue_url=queue_url,
            dispatcher=Dispatcher(jobs, queue),
            workers=Workers(engine, config.worker.heartbeat),
            leases=Leases(engine, name),
            watches=WatchMemory(engine),
            schedules=ScheduleMemory(engine),
            keep_log=keep_log,
        )
    finally:
        queue.close()
        engine.dispose()


def _name(state: Path) -> str:
    """A process is known by its machine and the folder of its state, so that it finds its own after a restart.

    The name is short enough for a column, and good for a part of an address.
    """
    return f"{socket.gethostname()[:_LONGEST_HOST]}-{digest_of(str(state))[:8]}"


@contextlib.contextmanager
def building(runner: Runner, labels: Sequence[str] = (), builds: int | None = None) -> Iterator[Worker]:
    """Build jobs as long as the block lasts.

    Raises:
        UsageError: another process with the same state builds already.
    """
    config = runner.settings.config.worker
    record = WorkerRecord(
        id=runner.name,
        host=socket.gethostname(),
        labels=tuple(sorted({platform.machine(), *config.labels, *labels})),
        builds=builds or config.builds,
        started_at=time.time(),
        seen_at=time.time(),
    )
    place = Workplace(
        engine=runner.engine,
        jobs=runner.jobs,
        worker=runner.name,
        work=runner.settings.state / "work",
        settings_of=runner.settings.job,
        stopping=threading.Event(),
    )
    crew = Crew(
        place=place,
        record=record,
        workers=runner.workers,
        queue=runner.queue,
        upkeep=Upkeep(runner.jobs, runner.queue, runner.workers, runner.leases, here=record.id),
        queues=lambda: _queues(runner, record),
        heartbeat=config.heartbeat,
    )
    with _alone(runner.settings.state):
        worker = Worker(crew, runner.queue_url)
        with worker.working():
            yield worker


def _queues(runner: Runner, record: WorkerRecord) -> list[str]:
    """The queues of jobs that this worker can do: one for each set of labels that anything asks for."""
    arch = platform.machine()
    configured = {(arch, *entry.labels) for entry in runner.settings.config.repositories.values()}
    wanted = {(arch,), *configured, *runner.jobs.labels_of_open()}
    return sorted({queue_name(labels) for labels in wanted if record.can_build(labels)})


@contextlib.contextmanager
def watching(runner: Runner, *, keep_queue: bool) -> Iterator[None]:
    """Watch, run schedules and send what is to be sent, as long as the block lasts.

    ``keep_queue``: no worker runs in this process, so the queue is looked after here.
    """
    settings, over = runner.settings, runner.settings.over
    runner.watches.know(list(settings.config.repositories))
    outbox, looks = Outbox(runner.engine), settings.config.watch.looks
    if runner.queue_url.startswith("sqlite:"):
        outbox.take_over()  # there is no other process
    poller = Poller(runner.watches, runner.look, settings.watch, runner.meters.polled, looks=looks)
    with HttpSender() as sender:
        courier = Courier(
            outbox,
            config=lambda: settings.config,
            secret=runner.secret,
            sender=sender,
            jobs=runner.jobs,
        )
        tasks: list[Callable[[threading.Event], None]] = [
            poller.run,
            runner.scheduler.run,
            courier.run,
            lambda event: retention.run(
                runner.engine, runner.queue, runner.leases, lambda: settings.config.retention, event
            ),
        ]
        if keep_queue:
            tasks.append(lambda event: _upkeep(runner, event))
        threads = [threading.Thread(target=task, args=(over,), daemon=True) for task in tasks]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join(_JOIN_SECONDS)


def _upkeep(runner: Runner, over: threading.Event) -> None:
    upkeep = Upkeep(runner.jobs, runner.queue, runner.workers, runner.leases)
    log = structlog.get_logger()
    while not over.wait(runner.settings.config.worker.heartbeat):
        try:
            upkeep.once()
        except Exception as error:  # noqa: BLE001  # the queue is looked after again, whatever ails the database
            log.warning("the queue could not be looked after", error=str(error))


@contextlib.contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Two processes with one state would take each other's jobs for their own."""
    import fcntl

    with (state / "worker.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                "another process builds with this state already",
                where=str(state),
                hint="stop it, or give this one another state in its packhouse.yaml",
            ) from None
        yield
