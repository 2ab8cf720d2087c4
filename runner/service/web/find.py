# SPDX-License-Identifier: Apache-2.0
"""Look up what an address names, or say that there is no such thing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from runner.redact import strip_credentials
from runner.service.answers import Release
from runner.service.config.own_file import with_own_file
from runner.service.queue.reasons import waiting_reason
from runner.service.web.errors import MissingError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.service.answers import WorkerState
    from runner.service.config.model import Destination, Repository, Schedule
    from runner.service.jobs.model import Job
    from runner.service.watch.look import WatchedRepository
    from runner.service.web.site import Site

_MOST_OPEN = 10_000


def job_by_number(site: Site, number: int) -> Job:
    """Return a job; one that waits says why.

    Raises:
        MissingError: there is none.
    """
    job = site.runner.jobs.get(str(number))
    if job is None:
        raise MissingError(f"there is no job {number}")
    return with_reasons(site, (job,))[0]


def with_reasons(site: Site, jobs: Iterable[Job]) -> tuple[Job, ...]:
    """Return ``jobs`` with the reason why each waits."""
    found = tuple(jobs)
    if not any(job.state == "queued" for job in found):
        return found
    workers, others = site.runner.workers.live(), open_jobs(site)
    return tuple(
        msgspec.structs.replace(job, reason=waiting_reason(job, workers, others)) if job.state == "queued" else job
        for job in found
    )


def open_jobs(site: Site) -> tuple[Job, ...]:
    """Return all jobs that run or wait."""
    return site.runner.jobs.find(states=("queued", "running"), limit=_MOST_OPEN)


def repository_by_name(site: Site, name: str) -> Repository:
    """Return a repository's part of the configuration.

    Raises:
        MissingError: none is called so.
    """
    found = site.config.repositories.get(name)
    if found is None:
        raise MissingError("there is no such repository", hint="its name is the key under repositories")
    return found


def schedule_by_name(site: Site, repository: str, name: str) -> tuple[WatchedRepository, Schedule]:
    """Return a repository, its own file taken into account, and its schedule ``name``.

    Raises:
        MissingError: there is none.
    """
    repository_by_name(site, repository)
    watched = site.runner.settings.repository(repository)
    settings = with_own_file(watched.settings, site.runner.watches.own_files().get(repository))
    found = next((schedule for schedule in settings.schedules if schedule.name == name), None)
    if found is None:
        raise MissingError("the repository has no such schedule")
    return replace(watched, settings=settings), found


def destination_by_name(site: Site, name: str) -> Destination:
    """Return a destination.

    Raises:
        MissingError: none is called so.
    """
    found = site.config.destinations.get(name)
    if found is None:
        raise MissingError("there is no such destination", hint="its name is the key under destinations")
    return found


def worker_by_name(workers: Iterable[WorkerState], name: str) -> WorkerState:
    """Return one of ``workers``.

    Raises:
        MissingError: none is called so.
    """
    found = next((worker for worker in workers if worker.id == name), None)
    if found is None:
        raise MissingError("there is no such worker", hint="packhouse workers lists them")
    return found


def shown_url(url: str) -> str:
    """Return a URL that anybody may see."""
    return strip_credentials(url)


def release_of(job: Job) -> Release:
    """Return what ``job`` published.

    Raises:
        MissingError: nothing.
    """
    result = job.result
    if result is None or not result.number:
        raise MissingError(f"job {job.number} published nothing")
    return Release(
        image=result.name,
        version=result.version,
        channel=result.channel,
        number=result.number,
        manifest=result.manifest,
        commit=job.request.commit,
        ref=job.request.ref,
        published_at=job.ended_at or job.created_at,
        job=job.number,
        artifacts=result.artifacts,
    )
