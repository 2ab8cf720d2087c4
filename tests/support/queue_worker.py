# SPDX-License-Identifier: Apache-2.0
"""A worker in a process of its own: ``python -m tests.support.queue_worker FILE``; FILE is a :class:`Setup`."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runner import log
from runner.redact import Redactor
from runner.service.config.model import Limits
from runner.service.database.connect import open_database
from runner.service.database.leases import Leases
from runner.service.jobs.store import JobStore
from runner.service.queue.api import queue_name
from runner.service.queue.durable import DbosQueue, make_tables, queue_database
from runner.service.queue.job_body import Workplace
from runner.service.queue.settings import JobSettings
from runner.service.queue.upkeep import Upkeep
from runner.service.queue.worker import Crew, Worker
from runner.service.queue.workers import WorkerRecord, Workers

if TYPE_CHECKING:
    from runner.service.jobs.model import JobRequest

HEARTBEAT = 1.0


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is told; ``limits`` of the jobs of some channels."""

    name: str
    database: str
    state: str
    url: str
    storage: str
    environment: dict[str, str]
    builds: int = 1
    labels: tuple[str, ...] = ("x86_64",)
    limits: dict[str, Limits] = {}

    def job(self, request: JobRequest) -> JobSettings:
        """How a job is to be done."""
        limits = self.limits.get(request.channel, Limits(time=120))
        return JobSettings(
            url=self.url,
            environment=self.environment,
            storage=self.storage,
            seconds=limits.time,
            log_bytes=limits.log,
            memory=limits.memory,
            disk=limits.disk,
            processes=limits.processes,
        )


def main() -> None:
    log.configure(redact=Redactor())  # standard output says "ready", and nothing else: nobody reads on
    setup = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Setup)
    state = Path(setup.state)
    engine = open_database(setup.database)
    queue_url = queue_database(setup.database, state)
    make_tables(queue_url)
    jobs, workers, queue = JobStore(engine), Workers(engine, HEARTBEAT), DbosQueue(queue_url)
    place = Workplace(
        engine=engine,
        jobs=jobs,
        worker=setup.name,
        work=state / setup.name,
        settings_of=setup.job,
        stopping=threading.Event(),
    )
    record = WorkerRecord(
        id=setup.name,
        host="here",
        labels=setup.labels,
        builds=setup.builds,
        started_at=time.time(),
        seen_at=0,
    )
    upkeep = Upkeep(jobs, queue, workers, Leases(engine, setup.name), here=setup.name)
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    crew = Crew(
        place=place,
        record=record,
        workers=workers,
        queue=queue,
        upkeep=upkeep,
        queues=lambda: [queue_name(labels) for labels in jobs.labels_of_open() if record.can_build(labels)],
        heartbeat=HEARTBEAT,
    )
    worker = Worker(crew, queue_url)
    with worker.working():
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while not over.wait(0.2) and not worker.is_drained:
            pass


if __name__ == "__main__":
    main()
