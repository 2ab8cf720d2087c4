# SPDX-License-Identifier: Apache-2.0
"""What the API takes and gives beside jobs. Also for its clients, so nothing heavy is imported here."""

from __future__ import annotations

from typing import Annotated

import msgspec

from runner.release.changes import Changes
from runner.service.jobs.model import Artifact, Attempt, Job, PhaseRecord

TEXT = r"^[^\u0000]*$"
"""PostgreSQL takes no NUL."""

RefName = Annotated[str, msgspec.Meta(max_length=500, pattern=TEXT)]


class JobPage(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs, the newest first; ``before`` asks for the next page, null on the last one."""

    jobs: tuple[Job, ...]
    before: int | None


class JobDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A job with its attempts, the phases of the newest one, and what is different from the build before."""

    job: Job
    attempts: tuple[Attempt, ...]
    phases: tuple[PhaseRecord, ...]
    log_lines: int
    changes: Changes | None = None


class CancelRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a job is to be ended; shown to people."""

    why: Annotated[str, msgspec.Meta(max_length=200, pattern=TEXT)] = ""


class TriggerRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The branch or tag whose images are to be built; the default branch when empty."""

    ref: RefName = ""


class JobsMade(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs that came to be."""

    jobs: tuple[Job, ...]


class RepositoryState(msgspec.Struct, frozen=True, kw_only=True):
    """A watched repository, and how the last look at it went; ``error`` is empty after a good one.

    Attributes:
        refs: where each watched branch and tag was when it was last turned into jobs.
        newest: the newest job.
    """

    name: str
    url: str
    destination: str
    default_branch: str
    looked_at: float | None
    due_at: float
    failures: int
    error: str
    refs: dict[str, str]
    newest: Job | None


class WorkerState(msgspec.Struct, frozen=True, kw_only=True):
    """A worker; ``jobs`` are the numbers of those it runs now. Times in seconds since 1970."""

    id: str
    host: str
    labels: tuple[str, ...]
    builds: int
    draining: bool
    live: bool
    version: str
    started_at: float
    seen_at: float
    jobs: tuple[int, ...]


class ScheduleState(msgspec.Struct, frozen=True, kw_only=True):
    """A schedule: when it ran and will run, in seconds since 1970, and what came of it."""

    repository: str
    name: str
    cron: str
    due_at: float
    ran_at: float | None
    note: str


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A release as this runner published it; ``number`` counts up in its channel."""

    image: str
    version: str
    channel: str
    number: int
    manifest: str
    commit: str
    ref: str
    published_at: float
    job: int
    artifacts: tuple[Artifact, ...]


class ChannelState(msgspec.Struct, frozen=True, kw_only=True):
    """The releases of an image in a channel, the newest first."""

    destination: str
    url: str
    image: str
    channel: str
    releases: tuple[Release, ...]
