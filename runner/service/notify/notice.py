# SPDX-License-Identifier: Apache-2.0
"""What is told about a job that ended, and the same in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner.release.changes_text import headline, package_lines
from runner.service.config.model import Occasion
from runner.service.forges.report import job_url, one_line, short_ref

if TYPE_CHECKING:
    from runner.release.changes import Changes
    from runner.service.jobs.model import Job

_LONGEST_LINE = 300
_MOST_PACKAGES = 20
_VERBS: dict[Occasion, str] = {
    "failure": "failed",
    "success": "succeeded",
    "fixed": "works again",
    "cancelled": "was cancelled",
}


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What we tell: the JSON of the generic webhook; every text in it may be hostile.

    Attributes:
        id: the same however often the notice is sent.
        occasion: ``fixed`` is the first success of an image on its ref after a failure.
        ended_at: seconds since 1970.
        detail: why it failed or was cancelled, or what did not come of it.
        hint: what to do next.
        release: number of the release in ``channel``; 0 where nothing was published.
        url: of the job's page.
        manifest: digest of the release's manifest.
        changes: what is different from the release before it, a line each, the most telling first.
    """

    id: str
    occasion: Occasion
    job: int
    repository: str
    image: str
    ref: str
    commit: str
    trigger: str
    ended_at: float
    detail: str = ""
    hint: str = ""
    channel: str = ""
    release: int = 0
    version: str = ""
    manifest: str = ""
    url: str = ""
    changes: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """One line that says it all."""
        return one_line(f"{self.image} {_VERBS[self.occasion]} on {short_ref(self.ref)}", _LONGEST_LINE)

    @property
    def lines(self) -> tuple[str, ...]:
        """What people want to know next, each in one line."""
        facts = [f"Commit {self.commit[:12]}, job {self.job}"]
        if self.release:
            facts.append(f"Release {self.release} ({self.version}) in {self.channel}")
        facts += self.changes
        facts += [text for text in (self.detail, self.hint and f"To fix: {self.hint}") if text]
        return tuple(one_line(each, _LONGEST_LINE) for each in facts)


def notice_of(job: Job, occasion: Occasion, public_url: str, changes: Changes | None = None) -> Notice:
    """Return what is told about ``job``."""
    result, error = job.result, job.error
    return Notice(
        id=f"{job.id}-{occasion}",
        occasion=occasion,
        job=job.number,
        repository=job.request.image.repository,
        image=str(job.request.image),
        ref=job.request.ref,
        commit=job.request.commit,
        trigger=job.request.trigger,
        ended_at=job.ended_at or 0.0,
        detail=_detail(job),
        hint=error.hint if error else "",
        channel=result.channel if result else "",
        release=result.number if result else 0,
        version=result.version if result else "",
        manifest=result.manifest if result else "",
        url=job_url(public_url, job.number),
        changes=(headline(changes), *package_lines(changes.packages, _MOST_PACKAGES)) if changes else (),
    )


def _detail(job: Job) -> str:
    if job.error:
        return f"{job.error.what}: {job.error.why}" if job.error.why else job.error.what
    if job.state == "cancelled":
        return job.cancel
    if job.result and job.result.proposal and job.result.proposal.error:
        return f"The refreshed lock is not proposed: {job.result.proposal.error}"
    return "Nothing new" if job.result and job.result.unchanged else ""
