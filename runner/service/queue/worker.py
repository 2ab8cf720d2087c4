# SPDX-License-Identifier: Apache-2.0
"""A worker: takes jobs it has the labels for, says that it lives, and lets go of its jobs when it is to stop."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import structlog

from runner.service.queue.durable import working
from runner.service.queue.job_body import run_job
from runner.service.queue.leftovers import sweep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from runner.service.queue.api import Durable, Queue
    from runner.service.queue.job_body import Workplace
    from runner.service.queue.upkeep import Upkeep
    from runner.service.queue.workers import WorkerRecord, Workers

_LOST_SECONDS = 15.0
_SWEEP_SECONDS = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """What a worker works with; ``heartbeat`` is the seconds between two signs of life."""

    place: Workplace
    record: WorkerRecord
    workers: Workers
    queue: Queue
    upkeep: Upkeep
    heartbeat: float


class Worker:
    """Runs in the background as long as the block of :meth:`working` lasts."""

    def __init__(self, crew: Crew, queue_url: str) -> None:
        self._crew, self._url = crew, queue_url
        self._record = crew.record
        self._active: set[str] = set()
        self._missed: dict[str, float] = {}
        self._over = threading.Event()
        self._patience, self._sweep_at = 0, 0.0
        self._log = structlog.get_logger().bind(worker=crew.record.id)

    @contextlib.contextmanager
    def working(self, queues: Sequence[str]) -> Iterator[None]:
        """Take jobs from ``queues``. At the end the running ones are let go of, to be resumed later."""
        self._crew.workers.beat(self._record)  # before a job is taken: nobody may think us dead
        heart = threading.Thread(target=self._live, name="heartbeat", daemon=True)
        heart.start()
        try:
            with working(
                self._url,
                worker=self._record.id,
                queues=queues,
                at_once=self._record.builds,
                run=self._run,
                patience=lambda: self._patience,
            ):
                yield
                self._let_go()
        finally:
            self._over.set()
            heart.join()
            self._crew.workers.leave(self._record.id)

    def drain(self, seconds: int) -> None:
        """Take no new jobs from now on; at the end running ones have ``seconds`` to finish."""
        self._patience = seconds
        self._crew.place.draining.set()
        self._record = msgspec.structs.replace(self._record, draining=True)
        self._crew.workers.beat(self._record)

    @property
    def active(self) -> frozenset[str]:
        """The ids of the jobs that run here now."""
        return frozenset(self._active)

    def _let_go(self) -> None:
        if not self._patience:
            self._crew.place.stopping.set()

    def _run(self, job_id: str, durable: Durable) -> None:
        self._active.add(job_id)
        try:
            run_job(self._crew.place, job_id, durable)
        finally:
            self._active.discard(job_id)

    def _live(self) -> None:
        while not self._over.wait(self._crew.heartbeat):
            try:
                self._crew.workers.beat(self._record)
                self._crew.upkeep.once()
                self._find_lost()
                self._sweep()
            except Exception as error:  # noqa: BLE001  # the heart goes on beating, whatever ails the database
                self._log.warning("the worker could not say that it lives", error=str(error))

    def _sweep(self) -> None:
        now = time.monotonic()
        if now < self._sweep_at:
            return
        self._sweep_at = now + _SWEEP_SECONDS
        place = self._crew.place
        count = sweep(place.work, place.jobs, place.worker, lambda: self.active)
        if count:
            self._log.info("results of jobs that are not ours were erased", folders=count)

    def _find_lost(self) -> None:
        """Resume what the queue thinks we run and we do not: its thread lost a race about the job."""
        now = time.monotonic()
        mine = [job for job, worker in self._crew.queue.held().items() if worker == self._record.id]
        lost = {job: self._missed.get(job, now) for job in mine if job not in self._active}
        for job_id, since in lost.items():
            job = self._crew.place.jobs.get(job_id)
            if now - since > _LOST_SECONDS and job is not None and not job.has_ended:
                self._crew.queue.resume(job_id, labels=job.labels)
        self._missed = lost
