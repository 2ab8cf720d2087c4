# SPDX-License-Identifier: Apache-2.0
"""One look at a repository: which refs moved, what is described there, which builds that asks for."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from runner.errors import PackhouseError
from runner.redact import Redactor
from runner.service.jobs.model import JobRequest
from runner.service.steps.launch import Surroundings, run_step
from runner.service.steps.order import Scanned, ScanOrder
from runner.service.watch.watched import TAGS, channel_of, matches, pushed, watched
from runner.sources.remote import list_refs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from runner.service.config.model import Destination, Repository
    from runner.service.jobs.model import Job
    from runner.service.queue.dispatch import Dispatcher
    from runner.service.steps.order import ScannedDescription
    from runner.service.watch.memory import WatchMemory
    from runner.sources.remote import RemoteRefs

_SCAN_SECONDS, _SCAN_BYTES = 600.0, 16 << 20
_SCANS = 8
"""So many commits are looked through at once, however many looks there are: each takes a process of Python."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedRepository:
    """A repository's part of the configuration, with secrets in place.

    Attributes:
        environment: for git, and for the process that looks through a commit.
        redact: masks all secrets; looks are many, and few have anything to say.
        arch: of the images to build.
        stop: says that the runner ends, and nobody waits for an answer any more.
    """

    name: str
    settings: Repository
    destination: Destination | None
    environment: Mapping[str, str] = field(repr=False)
    redact: Callable[[str], str] = field(default_factory=Redactor)
    allowed_signers: Path | None = None
    arch: str
    stop: Callable[[], bool] = lambda: False


class Look:
    """Looks at repositories, one at a time; ``take`` asks for the builds."""

    def __init__(self, memory: WatchMemory, dispatcher: Dispatcher) -> None:
        self._memory, self._dispatcher = memory, dispatcher
        self._scans = threading.BoundedSemaphore(_SCANS)
        self._log = structlog.get_logger()

    def take(
        self, repository: WatchedRepository, *, answered: Callable[[], object] = lambda: None
    ) -> tuple[str, tuple[Job, ...]]:
        """Return the name of the default branch, and the jobs that came to be.

        ``answered`` is called when the repository's host has told of its refs.

        A tag that was there before its pattern is only noted: what was released before is not built again.

        Raises:
            PackhouseError: the repository cannot be asked, or a commit cannot be looked through. What was found of
                other refs is taken into account.
            StoppedError: the runner ends.
        """
        refs = list_refs(repository.settings.url, env=repository.environment, stop=repository.stop)
        answered()
        left = self._pushed(repository, refs)
        now, before = watched(repository.settings, refs, left), self._memory.refs(repository.name)
        self._memory.forget_refs(repository.name, before.keys() - now.keys())
        before.update(self._old_tags(repository, now, before))
        jobs: list[Job] = []
        failure: PackhouseError | None = None
        for ref, commit in sorted(now.items()):
            if before.get(ref) == commit:
                continue
            try:
                jobs += self._moved(repository, ref, now, is_default=ref == refs.default)
            except PackhouseError as error:
                failure = error
        if failure is not None:
            raise failure
        return refs.default, tuple(jobs)

    def _pushed(self, repository: WatchedRepository, refs: RemoteRefs) -> dict[str, str]:
        before = self._memory.pushed(repository.name)
        found = pushed(repository.settings, refs, before)
        if found != before:
            self._memory.note_pushed(repository.name, found)
        return found

    def _old_tags(
        self, repository: WatchedRepository, now: Mapping[str, str], before: Mapping[str, str]
    ) -> dict[str, str]:
        """Note the tags that only a new pattern fits, all at once: none looks like a push after a crash."""
        patterns = repository.settings.tags
        known = self._memory.tag_patterns(repository.name)
        if patterns == known:
            return {}
        old = {
            ref: commit
            for ref, commit in now.items()
            if ref.startswith(TAGS) and ref not in before and not matches(ref.removeprefix(TAGS), known)
        }
        self._memory.note_tags(repository.name, patterns, old)
        return old

    def _moved(
        self, repository: WatchedRepository, ref: str, now: Mapping[str, str], *, is_default: bool
    ) -> list[Job]:
        commit = now[ref]
        scanned = self.scan(repository, commit, self._memory.digests(repository.name, ref))
        jobs = [
            job for description in scanned.descriptions for job in self._submit(repository, ref, now, description)
        ]
        if is_default:
            self._memory.keep_own(repository.name, scanned.own)
        # Last: after a crash the same is asked for again, which makes no second job.
        self._memory.moved(repository.name, ref, commit, scanned.descriptions)
        return jobs

    def scan(self, repository: WatchedRepository, commit: str, known: dict[str, str]) -> Scanned:
        """Look through ``commit`` in a process of its own."""
        order = ScanOrder(
            name=repository.name,
            commit=commit,
            settings=repository.settings,
            allowed_signers=repository.allowed_signers,
            known=known,
            arch=repository.arch,
        )
        around = Surroundings(
            environment=repository.environment,
            redact=repository.redact,
            seconds=_SCAN_SECONDS,
            log_bytes=_SCAN_BYTES,
            stop=repository.stop,
        )
        with self._scans:
            scanned = run_step(order, around, lambda _event: None)
        assert isinstance(scanned, Scanned)  # noqa: S101  # what a scan order gives
        return scanned

    def _submit(
        self, repository: WatchedRepository, ref: str, now: Mapping[str, str], description: ScannedDescription
    ) -> list[Job]:
        settings, commit = repository.settings, now[ref]

        def wanted(request: JobRequest) -> bool:
            here = (name for name, at in now.items() if at == request.commit)
            return any(channel_of(repository.destination, name) == request.channel for name in here)

        jobs: list[Job] = []
        for image in description.images:
            request = JobRequest(
                image=image,
                ref=ref,
                commit=commit,
                trigger="tag" if ref.startswith(TAGS) else "push",
                destination=settings.destination,
                channel=channel_of(repository.destination, ref),
            )
            job = self._dispatcher.push(request, labels=settings.labels, priority=settings.priority, wanted=wanted)
            if job is not None:
                self._log.info("a build is asked for", job=job.number, image=str(image), ref=ref, commit=commit)
                jobs.append(job)
        return jobs
