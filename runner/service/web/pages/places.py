# SPDX-License-Identifier: Apache-2.0
"""Pages of what is not a job: start, queue, repositories, channels, schedules."""

from __future__ import annotations

import time
from typing import Any

from litestar import Response, get

from runner.service.jobs.history import counts, newest_builds, newest_of_images, releases
from runner.service.jobs.model import ENDED, OPEN
from runner.service.web.api.others import worker_states
from runner.service.web.api.repositories import states
from runner.service.web.find import (
    destination_by_name,
    open_jobs,
    release_of,
    repository_by_name,
    shown_url,
    with_reasons,
)
from runner.service.web.pages.commands import follow_command
from runner.service.web.pages.render import page
from runner.service.web.parameters import Before, Name, TheSite

_ON_A_PAGE = 50
_WAITING_SHOWN = 200
_RECENT = 10


@get("/", sync_to_thread=True, include_in_schema=False)
def start_page(site: TheSite) -> Response[Any]:
    """Show repositories and what goes on."""
    return page(
        "start.html",
        title="Overview",
        counts=counts(site.runner.engine, (*OPEN, *ENDED)),
        repositories=states(site),
        recent=with_reasons(site, site.runner.jobs.find(limit=_RECENT)),
        schedules=site.runner.schedules.all()[:3],
    )


@get("/queue", sync_to_thread=True, include_in_schema=False)
def queue_page(site: TheSite) -> Response[Any]:
    """Show what runs, what waits and why, and who works."""
    jobs = open_jobs(site)
    waiting = sorted((job for job in jobs if job.state == "queued"), key=lambda job: (job.priority, job.number))
    return page(
        "queue.html",
        title="Queue",
        running=[job for job in jobs if job.state == "running"],
        waiting=with_reasons(site, waiting[:_WAITING_SHOWN]),
        more=max(0, len(waiting) - _WAITING_SHOWN),
        workers=worker_states(site),
        now=time.time(),
    )


@get("/repositories/{name:str}", sync_to_thread=True, include_in_schema=False)
def repository_page(site: TheSite, name: Name) -> Response[Any]:
    """Show a repository: refs, descriptions, images."""
    repository = repository_by_name(site, name)
    watches = site.runner.watches
    refs = watches.refs(name)
    problems = [
        (ref, description.subdir, problem)
        for ref in sorted(refs)
        for description in watches.descriptions(name, ref)
        for problem in description.problems
    ]
    return page(
        "repository.html",
        title=name,
        name=name,
        url_shown=shown_url(repository.url),
        record=watches.record(name),
        refs=sorted(refs.items()),
        problems=problems,
        images=with_reasons(site, newest_of_images(site.runner.engine, name)),
        schedules=[record for record in site.runner.schedules.all() if record.repository == name],
        public_url=site.config.public_url.rstrip("/"),
    )


@get("/schedules", sync_to_thread=True, include_in_schema=False)
def schedules_page(site: TheSite) -> Response[Any]:
    """Show when schedules run next."""
    return page("schedules.html", title="Schedules", schedules=site.runner.schedules.all(), now=time.time())


@get("/channels", sync_to_thread=True, include_in_schema=False)
def channels_page(site: TheSite) -> Response[Any]:
    """Show what every channel holds."""
    newest = {
        (job.request.destination, job.result.channel, job.result.name): job
        for job in sorted(newest_builds(site.runner.engine), key=lambda job: job.number)
        if job.result is not None and job.result.number
    }
    return page("channels.html", title="Channels", channels=sorted(newest.items()))


@get("/channels/{destination:str}/{image:str}/{channel:str}", sync_to_thread=True, include_in_schema=False)
def channel_page(
    site: TheSite, destination: Name, image: Name, channel: Name, before: Before = None
) -> Response[Any]:
    """Show the releases of an image in a channel."""
    found = destination_by_name(site, destination)
    jobs = releases(site.runner.engine, destination, channel, image, before=before, limit=_ON_A_PAGE + 1)
    shown = [release_of(job) for job in jobs[:_ON_A_PAGE]]
    return page(
        "channel.html",
        title=f"{image}:{channel}",
        destination=destination,
        url_shown=shown_url(found.url),
        image=image,
        channel=channel,
        command=follow_command(found, image, channel),
        releases=shown,
        before=shown[-1].job if len(jobs) > _ON_A_PAGE else None,
    )


ROUTES = (start_page, queue_page, repository_page, schedules_page, channels_page, channel_page)
