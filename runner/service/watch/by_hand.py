# SPDX-License-Identifier: Apache-2.0
"""Build what somebody asks for by hand."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from runner.errors import SourceError
from runner.service.jobs.model import JobRequest
from runner.service.watch.watched import BRANCHES, TAGS, channel_of
from runner.sources.remote import list_refs

if TYPE_CHECKING:
    from runner.service.jobs.model import Job
    from runner.service.queue.dispatch import Dispatcher
    from runner.service.watch.look import Look, WatchedRepository


def build_by_hand(look: Look, dispatcher: Dispatcher, repository: WatchedRepository, ref: str) -> tuple[Job, ...]:
    """Ask for builds of every image at ``ref``, even where the same was built before.

    Raises:
        PackhouseError: the repository cannot be asked, has no such ref, or its commit cannot be looked through.
    """
    name, commit = find_ref(repository, ref)
    scanned = look.scan(repository, commit, {})
    settings, nonce = repository.settings, uuid.uuid4().hex
    jobs = [
        dispatcher.submit(
            JobRequest(
                image=image,
                ref=name,
                commit=commit,
                trigger="manual",
                destination=settings.destination,
                channel=channel_of(repository.destination, name),
                nonce=nonce,
            ),
            labels=settings.labels,
            priority=settings.priority,
        )
        for description in scanned.descriptions
        for image in description.images
    ]
    return tuple(job for job in jobs if job is not None)


def find_ref(repository: WatchedRepository, ref: str) -> tuple[str, str]:
    """Return full name and commit of a branch or tag, of the default branch when ``ref`` is empty.

    Raises:
        SourceError: the repository cannot be asked, or has none of that name.
    """
    refs = list_refs(repository.settings.url, env=repository.environment, stop=repository.stop)
    names = [ref, *(f"{kind}{ref}" for kind in (BRANCHES, TAGS))] if ref else [refs.default]
    found = next((name for name in names if name in refs.commits), None)
    if found is None:
        what = f"branch or tag {ref!r}" if ref else "default branch"
        raise SourceError(f"the repository {repository.name} has no {what}")
    return found, refs.commits[found]
