# SPDX-License-Identifier: Apache-2.0
"""Pages of jobs: the list, one job, and the history of an image."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any, get_args

from litestar import Response, get
from litestar.params import QueryParameter

from runner.service.jobs.history import attempts_of, changes_of, ended_of_image
from runner.service.jobs.model import Job, State
from runner.service.jobs.phases import phases_of
from runner.service.web.errors import MissingError
from runner.service.web.find import job_by_number, with_reasons
from runner.service.web.pages import commands
from runner.service.web.pages.drawings import chart, timeline
from runner.service.web.pages.paging import ASKED, ON_A_PAGE
from runner.service.web.pages.render import page
from runner.service.web.parameters import AttemptNumber, Before, ImageFilter, Number, RepositoryFilter, TheSite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.service.jobs.model import Attempt
    from runner.service.web.site import Site

_HISTORY = 100
_MOST_CHOICES = 50
"""Repositories to choose from; of more, one is named."""

_STATES = get_args(State)
StateFilter = Annotated[str, QueryParameter(name="state", pattern="^[a-z]{0,20}$")]


@get("/jobs", sync_to_thread=True, include_in_schema=False)
def jobs_page(
    site: TheSite, chosen: StateFilter = "", repository: RepositoryFilter = "", before: Before = None
) -> Response[Any]:
    """Show jobs, the newest first."""
    states: tuple[Any, ...] = (chosen,) if chosen in _STATES else ()
    found = site.runner.jobs.find(states=states, repository=repository, before=before, limit=ASKED)
    shown = with_reasons(site, found[:ON_A_PAGE])
    choices = sorted(site.config.repositories) if len(site.config.repositories) <= _MOST_CHOICES else []
    return page(
        "jobs.html",
        title="Jobs",
        jobs=shown,
        before=shown[-1].number if len(found) > ON_A_PAGE else None,
        states=_STATES,
        state=chosen,
        repository=repository,
        repositories=choices,
    )


@get("/jobs/{number:int}", sync_to_thread=True, include_in_schema=False)
def job_page(site: TheSite, number: Number, attempt: AttemptNumber = None) -> Response[Any]:
    """Show a job."""
    job = job_by_number(site, number)
    engine = site.runner.engine
    shown, attempts = attempt or job.attempt, attempts_of(engine, job.id)
    with engine.connect() as connection:
        changes = changes_of(connection, job)
    return page(
        "job.html",
        title=f"Job {number}",
        job=job,
        attempt=shown,
        is_old=shown < job.attempt,
        attempts=attempts,
        bars=timeline(phases_of(engine, job.id, shown), _until(job, attempts, shown)),
        changes=changes,
        commands=_commands(site, job),
        seconds=_seconds(job),
    )


def _commands(site: Site, job: Job) -> dict[str, str]:
    destination = site.config.destinations.get(job.request.destination)
    if destination is None or job.result is None or not job.result.number:
        return {}
    return {
        "Fetch and verify this version": commands.fetch_command(destination, job.result),
        "Verify it once more": commands.verify_command(job.result),
    }


def _until(job: Job, attempts: Sequence[Attempt], shown: int) -> float:
    """Return when an attempt was over: when it ended, or the next one began, or now."""
    ends = [one.ended_at for one in attempts if one.number == shown and one.ended_at]
    nexts = [one.started_at for one in attempts if one.number > shown]
    return next(iter((*ends, *nexts)), job.ended_at or time.time())


def _seconds(job: Job) -> float | None:
    return None if job.started_at is None else (job.ended_at or time.time()) - job.started_at


@get("/image", sync_to_thread=True, include_in_schema=False)
def image_page(site: TheSite, name: ImageFilter = "") -> Response[Any]:
    """Show how builds of an image went, the newest first."""
    jobs = ended_of_image(site.runner.engine, name, _HISTORY)
    if not jobs:
        raise MissingError("no job of that image has ended", hint="images are named as on the pages of jobs")
    built = [job for job in reversed(jobs) if job.result is not None and job.result.artifacts]
    return page(
        "image.html",
        title="Image",
        name=name,
        repository=jobs[0].request.image.repository,
        jobs=[(job, _seconds(job), _size(job)) for job in jobs],
        sizes=chart([_size(job) for job in built]),
        durations=chart([_seconds(job) or 0.0 for job in built]),
    )


def _size(job: Job) -> int:
    return sum(item.size for item in job.result.artifacts) if job.result else 0


ROUTES = (jobs_page, job_page, image_page)
