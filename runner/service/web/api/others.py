# SPDX-License-Identifier: Apache-2.0
"""Workers, schedules, channels and the configuration over HTTP."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from litestar import get, post

from runner.service.answers import ChannelState, JobsMade, ScheduleState, WorkerState
from runner.service.jobs.history import releases
from runner.service.web.api.answers import CHANGING, MISSING, WRONG
from runner.service.web.caller import needs
from runner.service.web.find import (
    destination_by_name,
    open_jobs,
    release_of,
    schedule_by_name,
    shown_url,
    worker_by_name,
)
from runner.service.web.parameters import Name, TheSite

if TYPE_CHECKING:
    from runner.service.web.site import Site

_MOST_RELEASES = 500


@get("/workers", sync_to_thread=True, responses=WRONG)
def list_workers(site: TheSite) -> tuple[WorkerState, ...]:
    """List the workers that were heard of and did not leave."""
    return worker_states(site)


def worker_states(site: Site) -> tuple[WorkerState, ...]:
    """Return how each worker stands."""
    workers = site.runner.workers
    live = {worker.id for worker in workers.live()}
    running = [job for job in open_jobs(site) if job.state == "running"]
    return tuple(
        WorkerState(
            id=worker.id,
            host=worker.host,
            labels=worker.labels,
            builds=worker.builds,
            draining=worker.draining,
            live=worker.id in live,
            version=worker.version,
            started_at=worker.started_at,
            seen_at=worker.seen_at,
            jobs=tuple(job.number for job in running if job.worker == worker.id),
        )
        for worker in workers.all()
    )


@post(
    "/workers/{worker:str}/drain", status_code=200, sync_to_thread=True, guards=[needs("admin")],
    responses=CHANGING, security=[{"token": []}],
)  # fmt: skip
def drain_worker(site: TheSite, worker: Name) -> WorkerState:
    """Have a worker take no new jobs; those that it runs end first. It hears of it at its next heartbeat."""
    site.runner.workers.drain(worker)
    return worker_by_name(worker_states(site), worker)


@get("/schedules", sync_to_thread=True, responses=WRONG)
def list_schedules(site: TheSite) -> tuple[ScheduleState, ...]:
    """List the schedules, the next one first."""
    return tuple(
        ScheduleState(
            repository=record.repository,
            name=record.name,
            cron=record.cron,
            due_at=record.due_at,
            ran_at=record.ran_at,
            note=record.note,
        )
        for record in site.runner.schedules.all()
    )


@post(
    "/schedules/{repository:str}/{name:str}/run", status_code=201, sync_to_thread=True, guards=[needs("trigger")],
    responses=CHANGING, security=[{"token": []}],
)  # fmt: skip
def run_schedule(site: TheSite, repository: Name, name: Name) -> JobsMade:
    """Run a schedule now; when it is due next stays as it is."""
    watched, schedule = schedule_by_name(site, repository, name)
    return JobsMade(jobs=site.runner.scheduler.trigger(watched, schedule, uuid.uuid4().hex))


@get("/channels/{destination:str}/{image:str}/{channel:str}", sync_to_thread=True, responses=MISSING)
def show_channel(site: TheSite, destination: Name, image: Name, channel: Name) -> ChannelState:
    """Show the newest 500 releases that were published into a channel, the newest first."""
    found = destination_by_name(site, destination)
    jobs = releases(site.runner.engine, destination, channel, image, limit=_MOST_RELEASES)
    return ChannelState(
        destination=destination,
        url=shown_url(found.url),
        image=image,
        channel=channel,
        releases=tuple(map(release_of, jobs)),
    )


@post(
    "/reload", status_code=204, sync_to_thread=True, guards=[needs("admin")], responses=CHANGING,
    security=[{"token": []}],
)  # fmt: skip
def reload_configuration(site: TheSite) -> None:
    """Read the configuration anew; a wrong one is told of in the runner's log, and the old one stays."""
    site.runner.reload()


ROUTES = (list_workers, drain_worker, list_schedules, run_schedule, show_channel, reload_configuration)
