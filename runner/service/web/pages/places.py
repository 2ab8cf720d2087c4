# SPDX-License-Identifier: Apache-2.0
"""Pages of what is not a job: start, queue, repositories, channels, schedules."""

from __future__ import annotations

import time
from typing import Annotated, Any

from litestar import Response, get
from litestar.params import QueryParameter

from runner.service.jobs.history import counts, newest_of_images, newest_releases, releases
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
from runner.service.web.pages.paging import ASKED, ON_A_PAGE, page_of
from runner.service.web.pages.render import page
from runner.service.web.parameters import Before, Name, Search, Skip, TheSite

_WAITING_SHOWN = 200
_RECENT, _SOON = 10, 3

TroubleFilter = Annotated[str, QueryParameter(pattern="^[a-z]{0,10}$", description="only those with trouble")]


@get("/", sync_to_thread=True, include_in_schema=False)
def start_page(site: TheSite, search: Search = "", trouble: TroubleFilter = "", skip: Skip = 0) -> Response[Any]:
    """Show repositories and what goes on."""
    names = [name for name in sorted(site.config.repositories) if search.casefold() in name.casefold()]
    if trouble:
        troubled = site.runner.watches.troubled()
        names = [name for name in names if name in troubled]
    return page(
        "start.html",
        title="Overview",
        counts=counts(site.runner.engine, (*OPEN, *ENDED)),
        repositories=page_of(states(site, names[skip : skip + ASKED]), skip),
        search=search,
        trouble=trouble,
        skip=skip,
        fitting=len(names),
        all=len(site.config.repositories),
        recent=with_reasons(site, site.runner.jobs.find(limit=_RECENT)),
        schedules=site.runner.schedules.page(_SOON),
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
        schedules=site.runner.schedules.of(name),
        public_url=site.config.public_url.rstrip("/"),
    )


@get("/schedules", sync_to_thread=True, include_in_schema=False)
def schedules_page(site: TheSite, search: Search = "", skip: Skip = 0) -> Response[Any]:
    """Show when schedules run next."""
    found = site.runner.schedules.page(ASKED, skip=skip, search=search)
    return page(
        "schedules.html", title="Schedules", schedules=page_of(found, skip), search=search, now=time.time()
    )


@get("/channels", sync_to_thread=True, include_in_schema=False)
def channels_page(site: TheSite, search: Search = "", skip: Skip = 0) -> Response[Any]:
    """Show what every channel holds."""
    found = newest_releases(site.runner.engine, search=search, skip=skip, limit=ASKED)
    return page("channels.html", title="Channels", channels=page_of(found, skip), search=search)


@get("/channels/{destination:str}/{image:str}/{channel:str}", sync_to_thread=True, include_in_schema=False)
def channel_page(
    site: TheSite, destination: Name, image: Name, channel: Name, before: Before = None
) -> Response[Any]:
    """Show the releases of an image in a channel."""
    found = destination_by_name(site, destination)
    jobs = releases(site.runner.engine, destination, channel, image, before=before, limit=ASKED)
    shown = [release_of(job) for job in jobs[:ON_A_PAGE]]
    return page(
        "channel.html",
        title=f"{image}:{channel}",
        destination=destination,
        url_shown=shown_url(found.url),
        image=image,
        channel=channel,
        command=follow_command(found, image, channel),
        releases=shown,
        before=shown[-1].job if len(jobs) > ON_A_PAGE else None,
    )


ROUTES = (start_page, queue_page, repository_page, schedules_page, channels_page, channel_page)
