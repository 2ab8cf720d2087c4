# SPDX-License-Identifier: Apache-2.0
"""What a job's change of state asks to be sent; written in the same transaction, so that neither comes alone."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa

from runner.service.database.tables import JOBS
from runner.service.forges.model import Change
from runner.service.forges.proposal_text import proposal_text
from runner.service.forges.report import job_url, report_of, short_ref
from runner.service.jobs.history import changes_of
from runner.service.jobs.locks import kept_text
from runner.service.notify.notice import notice_of
from runner.service.outbox.store import Letter, put

if TYPE_CHECKING:
    from runner.service.config.model import Occasion, Repository, ServiceConfig
    from runner.service.jobs.model import Job, Proposal, State

_OCCASIONS: dict[State, Occasion] = {"done": "success", "failed": "failure", "cancelled": "cancelled"}


def job_changed(connection: sa.Connection, job: Job, config: ServiceConfig) -> None:
    """Put what the new state of ``job`` asks for into the outbox, within the transaction that changed it."""
    repository = config.repositories.get(job.request.image.repository)
    if repository is None:
        return
    now = time.time()
    if repository.status and _speaks_for_commit(connection, job):
        put(connection, _status(job, config), now)
    proposal = job.result.proposal if job.result else None
    if proposal is not None and (proposal.branch or proposal.settled):
        put(connection, _change(connection, job, proposal, config), now)
    if repository.notify and job.has_ended:
        for letter in _notices(connection, job, repository, config):
            put(connection, letter, now)


class ScheduledChange(msgspec.Struct, frozen=True, kw_only=True):
    """A letter's body: what is proposed, the name of the schedule that says where, and the id of the job.

    ``settled``: nothing is, and what is open of the change's branch is to be closed.
    """

    schedule: str
    job: str
    change: Change
    settled: bool = False


def _change(connection: sa.Connection, job: Job, proposal: Proposal, config: ServiceConfig) -> Letter:
    """Have a branch that was pushed offered to its repository as the schedule's ``pull_request`` says, or no more.

    Either takes the place of its like while that was not sent yet. Neither takes the other's: what one image has
    nothing more to say of may be the offer of another one.
    """
    if proposal.settled:
        change = Change(branch=proposal.settled, base=short_ref(job.request.ref), title="", body="")
        return _scheduled(job, change, settled=True)
    change = Change(
        branch=proposal.branch,
        base=proposal.base,
        title=proposal.title,
        body=proposal_text(
            kept_text(connection, proposal.text) or "", job.request, job_url(config.public_url, job.number)
        ),
    )
    return _scheduled(job, change)


def _scheduled(job: Job, change: Change, *, settled: bool = False) -> Letter:
    body = _json(ScheduledChange(schedule=job.request.schedule, job=job.id, change=change, settled=settled))
    subject = f"{change.branch} (settled)" if settled else change.branch
    return Letter(kind="change", target=job.request.image.repository, subject=subject, body=body)


def _status(job: Job, config: ServiceConfig) -> Letter:
    report = report_of(job, config.public_url)
    return Letter(
        kind="status",
        target=job.request.image.repository,
        subject=f"{report.commit} {report.context}",
        body=_json(report),
    )


def _notices(connection: sa.Connection, job: Job, repository: Repository, config: ServiceConfig) -> list[Letter]:
    occasion = _OCCASIONS[job.state]
    fitting = {occasion}
    if job.state == "done" and _failed_before(connection, job):
        occasion = "fixed"
        fitting.add(occasion)
    body = _json(notice_of(job, occasion, config.public_url, changes_of(connection, job)))
    return [
        Letter(kind="notice", target=name, subject=f"job {job.number}", body=body)
        for name in repository.notify
        if name in config.notifications and fitting.intersection(config.notifications[name].on)
    ]


def _speaks_for_commit(connection: sa.Connection, job: Job) -> bool:
    """Only the newest job of an image at a commit does: what becomes of those before is of no interest."""
    newer = sa.select(JOBS.c.id).where(
        JOBS.c.image == str(job.request.image), JOBS.c.commit == job.request.commit, JOBS.c.number > job.number
    )
    return connection.execute(newer.limit(1)).first() is None


def _failed_before(connection: sa.Connection, job: Job) -> bool:
    """Tell whether the last job of this image on this ref that came to an end by itself failed."""
    before = (
        sa.select(JOBS.c.state)
        .where(JOBS.c.image == str(job.request.image), JOBS.c.ref == job.request.ref)
        .where(JOBS.c.number < job.number, JOBS.c.state.in_(("done", "failed")))
        .order_by(JOBS.c.number.desc())
    )
    return connection.execute(before.limit(1)).scalar() == "failed"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
