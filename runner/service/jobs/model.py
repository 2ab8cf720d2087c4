# SPDX-License-Identifier: Apache-2.0
"""What a job is asked, where it stands and what came of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from runner.digest import digest_of

Trigger = Literal["push", "tag", "nightly", "manual"]
"""What started a job. A webhook only hastens what ``push`` or ``tag`` finds."""

State = Literal["queued", "running", "done", "failed", "cancelled"]
"""``done``: published, or built where there is no destination, or found to be nothing new."""

PRIORITIES: dict[Trigger, int] = {"tag": 100, "push": 200, "manual": 150, "nightly": 300}
"""Of the queue, where less is sooner: releases before pushes before nightly builds."""

OPEN: tuple[State, ...] = ("queued", "running")
ENDED: frozenset[State] = frozenset({"done", "failed", "cancelled"})


class ImageKey(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Which image of which description: what builds of different commits have in common.

    Attributes:
        subdir: folder of the description, ``.`` for the repository's top.
        kiwi_file: its file where the folder has several; empty for the one that is found.
    """

    repository: str
    subdir: str = "."
    kiwi_file: str = ""
    profiles: tuple[str, ...] = ()
    type_name: str
    arch: str

    def __str__(self) -> str:
        place = self.subdir if not self.kiwi_file else f"{self.subdir}/{self.kiwi_file}"
        parts = (self.repository, place, "+".join(self.profiles), self.type_name, self.arch)
        return ":".join(part for part in parts if part)


class JobRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be built and where it goes; all that a worker needs beside the configuration.

    Attributes:
        ref: the full name the commit was found under, ``refs/heads/…`` or ``refs/tags/…``.
        destination: name of one in the configuration; empty: nothing is published.
        refresh: packages are resolved anew, whatever lock the description has; where they are the same as in the
            newest build of this commit and image, nothing is built.
        nonce: makes a job that somebody asked for by hand another one than all before.
    """

    image: ImageKey
    ref: str
    commit: str
    trigger: Trigger
    destination: str = ""
    channel: str = ""
    refresh: bool = False
    schedule: str = ""
    nonce: str = ""

    @property
    def once(self) -> str:
        """Digest of what makes two requests the same work, whoever asks for it how often."""
        return digest_of(msgspec.structs.replace(self, ref="", trigger="push"))


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the result; ``size`` in bytes."""

    name: str
    size: int
    sha256: str


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What a build has that ``job``, the one before it in its channel, had not.

    Attributes:
        job: its number.
        changes: digest of the whole list, a row of the table of locks.
        added, removed, updated: packages.
        size_delta: in bytes, of all files together.
    """

    job: int
    changes: str
    added: int
    removed: int
    updated: int
    size_delta: int


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A refreshed lock that is offered to its repository.

    Attributes:
        branch: what was pushed; empty where that failed, or where there was nothing to offer.
        base: what it is to become part of.
        text: digest of what it changes, a row of the table of locks.
        url: of the pull request, once the forge has it.
        error: why it is not offered.
        settled: the branch that nothing is offered on any more; what was offered of it before is to be closed.
    """

    branch: str = ""
    base: str = ""
    title: str = ""
    text: str = ""
    url: str = ""
    error: str = ""
    settled: str = ""


class JobResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a job that is done left.

    Attributes:
        number: of the release in its channel; 0 where nothing was published.
        unchanged: the same packages and commit were built before, and nothing was done.
        lock: digest of the lock, a row of the table of locks.
        boot: seconds until the boot test saw what it waited for, None without a test.
        compared: with the build before; None for the first of its channel.
        proposal: of the lock; None where the schedule does not ask for one.
    """

    name: str = ""
    version: str = ""
    manifest: str = ""
    channel: str = ""
    number: int = 0
    url: str = ""
    keyid: str = ""
    lock: str = ""
    unchanged: bool = False
    artifacts: tuple[Artifact, ...] = ()
    boot: float | None = None
    compared: Compared | None = None
    proposal: Proposal | None = None


class JobError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job failed: the fields of :class:`runner.errors.PackhouseError`, secrets removed."""

    kind: str
    what: str
    where: str = ""
    why: str = ""
    hint: str = ""
    exit_code: int = 1
    log_tail: tuple[str, ...] = ()


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table of jobs.

    Attributes:
        number: counts up from 1 over all jobs; what people call it by.
        attempt: how often it was begun; 0 while it waits for the first time. Fences a worker that comes back late:
            nothing is accepted from an older attempt.
        reason: why it waits, in words for people.
        cancel: who wants it ended and why; empty: nobody.
        labels: what a worker must have.
    """

    id: str
    number: int
    request: JobRequest
    priority: int
    labels: tuple[str, ...]
    state: State
    reason: str = ""
    attempt: int = 0
    worker: str = ""
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    cancel: str = ""
    error: JobError | None = None
    result: JobResult | None = None

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try at a job; ``outcome`` is empty while it lasts, and where it was cut off."""

    number: int
    worker: str
    started_at: float
    ended_at: float | None
    outcome: str
    error: JobError | None


class PhaseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A phase; ``ended_at`` is None while it runs or where it was cut off."""

    name: str
    started_at: float
    ended_at: float | None
    cached: bool
    detail: str
