# SPDX-License-Identifier: Apache-2.0
"""Ask for builds when their schedules are due, several side by side; one of several processes does.

A run that two processes begin, since one of them stood still for longer than its lease, is one run all the same:
its jobs are told from others by the time it was due.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import structlog

from runner.errors import PackhouseError
from runner.process import StoppedError
from runner.redact import Redactor
from runner.service.jobs.model import JobRequest
from runner.service.schedule.memory import ScheduleRecord
from runner.service.schedule.times import cron_of, next_time
from runner.service.watch.by_hand import find_ref

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection

    from runner.service.config.model import Repository, Schedule
    from runner.service.database.leases import Leases
    from runner.service.jobs.model import Job
    from runner.service.queue.dispatch import Dispatcher
    from runner.service.schedule.memory import ScheduleMemory
    from runner.service.watch.look import Look, WatchedRepository

_LEASE, _LEASE_SECONDS = "schedules", 900.0
_IDLE_SECONDS = 1.0
_KNOWN_SECONDS = 10.0
"""After so long the configuration is looked through for schedules that are new, changed or gone."""

_LATE_SECONDS = 300.0
"""A run that nobody saw to be due for longer than this was missed."""

_AT_ONCE = 8
"""Runs; a repository that does not answer takes one's place for a minute."""

_RETRY_SECONDS = 300.0


class Scheduler:
    """``configured`` gives the configuration as it is now, by name; ``repository`` one with its secrets."""

    def __init__(
        self,
        memory: ScheduleMemory,
        look: Look,
        dispatcher: Dispatcher,
        leases: Leases,
        *,
        configured: Callable[[], dict[str, Repository]],
        repository: Callable[[str], WatchedRepository],
    ) -> None:
        self._memory, self._look, self._dispatcher = memory, look, dispatcher
        self._leases, self._configured, self._repository = leases, configured, repository
        self._busy: set[tuple[str, str]] = set()
        self._wanted: dict[tuple[str, str], tuple[Repository, Schedule]] = {}
        self._known_until = 0.0
        self._log = structlog.get_logger()

    def run(self, over: threading.Event) -> None:
        """Run what is due until ``over`` is set."""
        pool = ThreadPoolExecutor(_AT_ONCE, "schedule")
        while not over.wait(_IDLE_SECONDS):
            try:
                if self._leases.take(_LEASE, _LEASE_SECONDS):
                    self.begin(pool, time.time())
            except Exception as error:  # noqa: BLE001  # schedules go on, whatever ails the database
                self._log.warning("the schedules could not be looked at", error=str(error))
        pool.shutdown(cancel_futures=True)
        self._leases.give_back(_LEASE)

    def once(self, now: float) -> None:
        """Run every schedule that is due at ``now``."""
        with ThreadPoolExecutor(_AT_ONCE, "schedule") as pool:
            self.begin(pool, now)

    def begin(self, pool: ThreadPoolExecutor, now: float) -> None:
        """Have ``pool`` run every schedule that is due at ``now``, unless it has it already."""
        busy = self._busy.copy()  # before the records are read: what ends meanwhile is in them as it was
        if now >= self._known_until:
            self._know(now, busy)
            self._known_until = now + _KNOWN_SECONDS
        for record in self._memory.due(now):
            key = record.repository, record.name
            found = self._wanted.get(key)
            if found is not None and key not in busy:
                self._busy.add(key)
                pool.submit(self._work, *found, record, now)

    def _know(self, now: float, busy: Collection[tuple[str, str]]) -> None:
        """Remember the schedules of the configuration, and only those; ``busy`` ones stay as they are."""
        self._wanted = {
            (name, schedule.name): (settings, schedule)
            for name, settings in self._configured().items()
            for schedule in settings.schedules
        }
        known, fresh = self._memory.crons(), []
        for key, (_, schedule) in self._wanted.items():
            text = f"{cron_of(schedule)} {schedule.timezone} {schedule.jitter}"
            if key not in busy and known.get(key) != text:
                due = next_time(schedule, key[0], now)
                fresh.append(ScheduleRecord(repository=key[0], name=schedule.name, cron=text, due_at=due))
        self._memory.keep(*fresh)
        self._memory.forget(known.keys() - self._wanted.keys())

    def _work(self, settings: Repository, schedule: Schedule, record: ScheduleRecord, now: float) -> None:
        try:
            self._due(settings, schedule, record, now)
        except StoppedError:
            pass  # it is still due
        except Exception as error:  # noqa: BLE001  # it is still due, and the same run, when the database is back
            self._log.warning("a scheduled run could not be noted", repository=record.repository, error=str(error))
        finally:
            self._busy.discard((record.repository, record.name))

    def _due(self, settings: Repository, schedule: Schedule, record: ScheduleRecord, now: float) -> None:
        """Run a schedule that was seen to be due at ``now``, however long it has waited for its turn since."""
        name = record.repository
        due = next_time(schedule, name, now)
        redact: Callable[[str], str] = Redactor()
        if now - record.due_at > _LATE_SECONDS and schedule.missed == "skip":
            self._keep(record, due_at=due, note="missed while nothing ran")
            return
        try:
            repository = replace(self._repository(name), settings=settings)
            redact = repository.redact
            jobs = self.trigger(repository, schedule, str(record.due_at))
        except PackhouseError as error:
            note = redact(str(error))
            self._log.warning("a scheduled run could not begin", repository=name, error=note)
            self._keep(record, due_at=min(due, now + _RETRY_SECONDS), note=note)
            return
        self._keep(record, due_at=due, ran_at=now, note=f"{len(jobs)} jobs")

    def trigger(self, repository: WatchedRepository, schedule: Schedule, nonce: str) -> tuple[Job, ...]:
        """Ask for builds of every image on the schedule's branch; a run with the same ``nonce`` is the same run.

        Raises:
            PackhouseError: the repository cannot be asked, or its commit cannot be looked through.
        """
        ref, commit = find_ref(repository, schedule.ref)
        scanned = self._look.scan(repository, commit, {})
        jobs = []
        for image in (image for description in scanned.descriptions for image in description.images):
            request = JobRequest(
                image=image,
                ref=ref,
                commit=commit,
                trigger="nightly",
                destination=repository.settings.destination,
                channel=schedule.channel if repository.destination else "",
                refresh=True,
                schedule=schedule.name,
                nonce=nonce,
            )
            settings = repository.settings
            jobs.append(self._dispatcher.submit(request, labels=settings.labels, priority=settings.priority))
        return tuple(job for job in jobs if job is not None)

    def _keep(self, record: ScheduleRecord, **news: object) -> None:
        self._memory.keep(msgspec.structs.replace(record, **news))
