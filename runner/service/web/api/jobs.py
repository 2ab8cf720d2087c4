# SPDX-License-Identifier: Apache-2.0
"""Jobs over HTTP: list, look at, follow the log, cancel, ask for again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from anyio import to_thread
from litestar import MediaType, Request, get, post
from litestar.exceptions import ServiceUnavailableException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, QueryParameter
from litestar.response import ServerSentEvent, Stream

from runner.errors import UsageError
from runner.service.answers import CancelRequest, JobDetails, JobPage
from runner.service.jobs.history import attempts_of, changes_of
from runner.service.jobs.model import Job, State
from runner.service.jobs.phases import phases_of
from runner.service.logs.reader import line_count, read_lines
from runner.service.web.api.answers import CHANGING, MISSING, WRONG
from runner.service.web.caller import needs
from runner.service.web.events import Place, follow, place_of
from runner.service.web.find import job_by_number, with_reasons
from runner.service.web.parameters import (
    AttemptNumber,
    Before,
    FirstLine,
    ImageFilter,
    Limit,
    Number,
    RepositoryFilter,
    TheSite,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.service.web.site import Site

_PIECES = 8


@get("/jobs", sync_to_thread=True, responses=WRONG)
def list_jobs(
    site: TheSite,
    *,
    states: Annotated[
        list[State] | None, QueryParameter(name="state", description="only jobs in one of these states")
    ] = None,
    repository: RepositoryFilter = "",
    image: ImageFilter = "",
    before: Before = None,
    limit: Limit = 100,
) -> JobPage:
    """List jobs, the newest first."""
    found = site.runner.jobs.find(
        states=states or (), repository=repository, image=image, before=before, limit=limit + 1
    )
    jobs = with_reasons(site, found[:limit])
    return JobPage(jobs=jobs, before=jobs[-1].number if len(found) > limit else None)


@get("/jobs/{number:int}", sync_to_thread=True, responses=MISSING)
def show_job(site: TheSite, number: Number) -> JobDetails:
    """Show a job."""
    job = job_by_number(site, number)
    engine = site.runner.engine
    with engine.connect() as connection:
        changes = changes_of(connection, job)
    return JobDetails(
        job=job,
        attempts=attempts_of(engine, job.id),
        phases=phases_of(engine, job.id, job.attempt),
        log_lines=line_count(engine, job.id, job.attempt),
        changes=changes,
    )


@get(
    "/jobs/{number:int}/log",
    sync_to_thread=True,
    media_type=MediaType.TEXT,
    responses={**MISSING, 200: ResponseSpec(str, media_type=MediaType.TEXT, description="the lines")},
)
def show_log(site: TheSite, number: Number, attempt: AttemptNumber = None, first: FirstLine = 0) -> Stream:
    """Show the log of an attempt as it is now, from line `first` on."""
    job = job_by_number(site, number)
    lines = _text(site, job, attempt or job.attempt, first)
    return Stream(lines, media_type="text/plain; charset=utf-8")


def _text(site: Site, job: Job, attempt: int, first: int) -> Iterator[bytes]:
    while pieces := list(read_lines(site.runner.engine, job.id, attempt, first, pieces=_PIECES)):
        for _, lines in pieces:
            yield "".join(f"{line}\n" for line in lines).encode()
        start, lines = pieces[-1]
        first = start + len(lines)


@get(
    "/jobs/{number:int}/events",
    responses={**MISSING, 200: ResponseSpec(str, media_type="text/event-stream", description="events")},
)
async def follow_job(
    request: Request[Any, Any, Any], site: TheSite, number: Number, attempt: AttemptNumber = None
) -> ServerSentEvent:
    """Follow the log of a job as server-sent events.

    `Last-Event-ID` goes on where a connection was lost. With `attempt` the log of that attempt alone.
    """
    job = await to_thread.run_sync(job_by_number, site, number)
    place = place_of(request.headers.get("last-event-id", ""))
    if place is None or (attempt is not None and place.attempt != attempt):
        place = Place(attempt or max(job.attempt, 1), 0)
    if site.streams.are_full:
        raise ServiceUnavailableException("too many logs are followed", headers={"Retry-After": "30"})
    return ServerSentEvent(
        follow(site, job.id, place, only=attempt is not None),
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@post(
    "/jobs/{number:int}/cancel", status_code=202, sync_to_thread=True, guards=[needs("admin")], responses=CHANGING,
    security=[{"token": []}],
)  # fmt: skip
def cancel_job(site: TheSite, number: Number, data: JSONBody[CancelRequest | None] = None) -> Job:
    """End a job that waits or runs; one that runs is gone within seconds."""
    job = job_by_number(site, number)
    why = data.why if data and data.why else "on request"
    if not site.runner.dispatcher.cancel(job.id, why):
        raise UsageError(f"job {number} has ended already")
    return job_by_number(site, number)


@post(
    "/jobs/{number:int}/retry", status_code=201, sync_to_thread=True, guards=[needs("trigger")],
    responses=CHANGING, security=[{"token": []}],
)  # fmt: skip
def retry_job(site: TheSite, number: Number) -> Job:
    """Ask for the same once more, as a new job; the old one keeps its log."""
    job = job_by_number(site, number)
    made = site.runner.dispatcher.retry(job)
    if made is None:
        raise UsageError(f"job {number} could not be asked for again", hint="try once more")
    return made


ROUTES = (list_jobs, show_job, show_log, follow_job, cancel_job, retry_job)
