# SPDX-License-Identifier: Apache-2.0
"""What became of jobs: attempts, the newest of each image, what a build changed, releases of a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from runner.release.changes import decode_changes
from runner.service.database.conditions import among
from runner.service.database.tables import ATTEMPTS, JOBS, NEWEST, RELEASES
from runner.service.jobs.locks import kept_text
from runner.service.jobs.model import ENDED, Attempt, JobError
from runner.service.jobs.store import job_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Engine

    from runner.release.changes import Changes
    from runner.service.jobs.model import Job, State


def attempts_of(engine: Engine, job: str) -> tuple[Attempt, ...]:
    """Return the attempts at a job, the first one first."""
    query = sa.select(ATTEMPTS).where(ATTEMPTS.c.job == job).order_by(ATTEMPTS.c.number)
    with engine.connect() as connection:
        return tuple(
            Attempt(
                number=row["number"],
                worker=row["worker"],
                started_at=row["started_at"],
                ended_at=row["ended_at"],
                outcome=row["outcome"],
                error=msgspec.json.decode(row["error"], type=JobError) if row["error"] else None,
            )
            for row in connection.execute(query).mappings()
        )


def counts(engine: Engine, states: Sequence[State]) -> dict[State, int]:
    """Return how many jobs are in each of ``states`` that any is in."""
    query = sa.select(JOBS.c.state, sa.func.count()).where(JOBS.c.state.in_(states)).group_by(JOBS.c.state)
    with engine.connect() as connection:
        return {state: count for state, count in connection.execute(query)}  # noqa: C416  # rows are no pairs for a type checker


def ended_since(engine: Engine, since: float) -> tuple[Job, ...]:
    """Return the jobs that ended after ``since``."""
    return _jobs(engine, sa.select(JOBS).where(JOBS.c.ended_at > since, JOBS.c.state.in_(ENDED)))


def newest_builds(engine: Engine) -> tuple[Job, ...]:
    """Return the newest job of each image that gave a result, by image."""
    query = sa.select(JOBS).join(NEWEST, JOBS.c.number == NEWEST.c.number).order_by(JOBS.c.image)
    return _jobs(engine, query)


def newest_of_images(engine: Engine, repository: str) -> tuple[Job, ...]:
    """Return the newest job of each image of ``repository``, by image."""
    newest = sa.select(sa.func.max(JOBS.c.number)).where(JOBS.c.repository == repository).group_by(JOBS.c.image)
    query = sa.select(JOBS).where(JOBS.c.number.in_(newest)).order_by(JOBS.c.image)
    return _jobs(engine, query)


def newest_of_repositories(engine: Engine, names: Collection[str] | None = None) -> dict[str, Job]:
    """Return the newest job of each of a few repositories, or of all, that has any."""
    newest = sa.select(sa.func.max(JOBS.c.number)).where(among(JOBS.c.repository, names))
    query = sa.select(JOBS).where(JOBS.c.number.in_(newest.group_by(JOBS.c.repository)))
    return {job.request.image.repository: job for job in _jobs(engine, query)}


def ended_of_image(engine: Engine, image: str, limit: int) -> tuple[Job, ...]:
    """Return the newest jobs of an image that ended by themselves, the newest first."""
    query = sa.select(JOBS).where(JOBS.c.image == image, JOBS.c.state.in_(("done", "failed")))
    return _jobs(engine, query.order_by(JOBS.c.number.desc()).limit(limit))


def changes_of(connection: sa.Connection, job: Job) -> Changes | None:
    """Return what is different from the build before, as it was kept with ``job``."""
    if job.result is None or job.result.compared is None:
        return None
    text = kept_text(connection, job.result.compared.changes)
    return None if text is None else decode_changes(text.encode())


def releases(
    engine: Engine, destination: str, channel: str, image: str, *, before: int | None = None, limit: int
) -> tuple[Job, ...]:
    """Return the jobs that published ``image``, as releases name it, into a channel, the newest first.

    ``before`` is the number of the last job of the page before.
    """
    here = [RELEASES.c.destination == destination, RELEASES.c.image == image, RELEASES.c.channel == channel]
    if before is not None:
        here.append(RELEASES.c.job < before)
    query = sa.select(JOBS).join(RELEASES, JOBS.c.number == RELEASES.c.job).where(*here)
    return _jobs(engine, query.order_by(RELEASES.c.job.desc()).limit(limit))


def newest_releases(
    engine: Engine, *, search: str = "", skip: int = 0, limit: int
) -> tuple[tuple[str, str, str, Job], ...]:
    """Return image, channel and destination with the job that published there last, by those three.

    ``search`` is a part of the images' names; the first ``skip`` are left out.
    """
    place = (RELEASES.c.image, RELEASES.c.channel, RELEASES.c.destination)
    newest = sa.select(*place, sa.func.max(RELEASES.c.job).label("job")).group_by(*place).order_by(*place)
    if search:
        newest = newest.where(RELEASES.c.image.icontains(search, autoescape=True))
    part = newest.limit(limit).offset(skip).subquery()
    with engine.connect() as connection:
        keys = {tuple(row[:3]): row.job for row in connection.execute(sa.select(part))}
    jobs = {job.number: job for job in _jobs(engine, sa.select(JOBS).where(JOBS.c.number.in_(keys.values())))}
    return tuple((*key, jobs[number]) for key, number in keys.items() if number in jobs)


def release_numbers(engine: Engine) -> dict[tuple[str, str], int]:
    """Return the number of the newest release of each image in each channel, the largest of all destinations."""
    place = (RELEASES.c.image, RELEASES.c.channel)
    query = sa.select(*place, sa.func.max(RELEASES.c.number)).group_by(*place).order_by(*place)
    with engine.connect() as connection:
        return {(image, channel): number for image, channel, number in connection.execute(query)}


def _jobs(engine: Engine, query: sa.Select[tuple[object, ...]]) -> tuple[Job, ...]:
    with engine.connect() as connection:
        return tuple(job_of(row) for row in connection.execute(query).mappings())
