# SPDX-License-Identifier: Apache-2.0
"""A worker: takes jobs it has the labels for, says that it lives, and lets go of its jobs when it is to stop."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from runner.service.database.patience import AWAY
from runner.service.queue.api import Abandoned
from runner.service.queue.durable import working
from runner.service.queue.job_body import run_job
from runner.service.queue.leftovers import sweep
from runner.service.queue.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from runner.service.queue.api import Durable, Queue
    from runner.service.queue.durable import Listening
    from runner.service.queue.job_body import Workplace
    from runner.service.queue.upkeep import Upkeep
    from runner.service.queue.workers import WorkerRecord, Workers

_LOST_SECONDS = 15.0
_SWEEP_SECONDS = 600.0
_SLOT_SECONDS = 5.0
"""So long a job waits here for another one to end, before another worker may have it."""

_DRAIN_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """What a worker works with.

    Attributes:
        queues: gives the queues to take jobs from; asked at every heartbeat.
        heartbeat: seconds between two signs of life.
    """

    place: Workplace
    record: WorkerRecord
    workers: Workers
    queue: Queue
    upkeep: Upkeep
    queues: Callable[[], Sequence[str]]
    heartbeat: float


class Worker:
    """Runs in the background as long as the block of :meth:`working` lasts."""

    def __init__(self, crew: Crew, queue_url: str) -> None:
        self._crew, self._url = crew, queue_url
        self._record = crew.record
        self._active: set[str] = set()
        self._missed: dict[str, float] = {}
        self._slots = Slots(crew.record.builds)
        self._over, self._drained = threading.Event(), threading.Event()
        self._patience, self._sweep_at = 0, 0.0
        self._taking, self._ending = contextlib.ExitStack(), threading.Lock()
        self._log = structlog.get_logger().bind(worker=crew.record.id)

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Take jobs. At the end the running ones are let go of, to be resumed later."""
        self._crew.workers.enter(self._record)  # before a job is taken: nobody may think us dead
        try:
            listening = self._taking.enter_context(
                working(self._url, worker=self._record.id, run=self._run, patience=lambda: self._patience)
            )
            self._listen(listening)
            heart = threading.Thread(target=self._live, args=(listening,), name="heartbeat", daemon=True)
            heart.start()
            try:
                yield
            finally:
                self._crew.place.stopping.set()
                self._take_no_more(0)
                self._over.set()
                heart.join()
        finally:
            self._crew.workers.leave(self._record.id)

    def drain(self) -> None:
        """Take no new jobs from now on; running ones end first. Returns at once."""
        place = self._crew.place
        if not place.draining.is_set():
            place.draining.set()
            self._log.info("the worker drains", jobs=len(self._active))
            threading.Thread(target=self._drain, name="drain", daemon=True).start()

    @property
    def is_drained(self) -> bool:
        """Whether it takes no jobs any more and has none."""
        return self._drained.is_set()

    @property
    def active(self) -> frozenset[str]:
        """The ids of the jobs that run here now."""
        return frozenset(self._active)

    def _drain(self) -> None:
        with contextlib.suppress(*AWAY):  # others see it later or never; what counts is that we know
            self._crew.workers.drain(self._record.id)
        self._take_no_more(_DRAIN_SECONDS)

    def _take_no_more(self, patience: int) -> None:
        """Whoever comes second, as one that ends while it drains, waits for the first."""
        with self._ending:
            self._patience = patience
            self._taking.close()
            self._drained.set()

    def _run(self, job_id: str, durable: Durable) -> None:
        self._active.add(job_id)
        try:
            rank = self._rank(job_id)
            with self._slots.taken(rank, seconds=_SLOT_SECONDS, give_up=self._takes_none) as has_one:
                if not has_one:
                    self._missed[job_id] = -_LOST_SECONDS  # the next heartbeat gives it to whoever is free then
                    raise Abandoned
                run_job(self._crew.place, job_id, durable)
        finally:
            self._active.discard(job_id)

    def _rank(self, job_id: str) -> tuple[int, int]:
        try:
            job = self._crew.place.jobs.get(job_id)
        except AWAY:  # any other end of its run would be its last
            raise Abandoned from None
        return (job.priority, job.number) if job else (0, 0)

    def _takes_none(self) -> bool:
        return self._crew.place.draining.is_set() or self._crew.place.stopping.is_set()

    def _listen(self, listening: Listening) -> None:
        """Labels that nobody asked for before have a queue of their own."""
        builds = max((worker.builds for worker in self._crew.workers.live()), default=self._record.builds)
        listening.listen(self._crew.queues(), builds)

    def _live(self, listening: Listening) -> None:
        while not self._over.wait(self._crew.heartbeat):
            try:
                if self._crew.workers.beat(self._record):
                    self.drain()
                if not self._takes_none():
                    self._listen(listening)
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
