# SPDX-License-Identifier: Apache-2.0
"""What the steps of a job are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.service.steps.order import BuildOrder, LockOrder, ProposeOrder, PublishOrder

if TYPE_CHECKING:
    from pathlib import Path

    from runner.service.jobs.model import Job
    from runner.service.queue.settings import JobSettings
    from runner.service.steps.order import EarlierBuild


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders of one attempt at ``job``, whose result goes into the folder ``target``."""

    job: Job
    settings: JobSettings
    target: Path

    def lock(self, known: str) -> LockOrder:
        """``known`` is the lock file of the build before, empty for none."""
        request, settings = self.job.request, self.settings
        return LockOrder(
            url=settings.url,
            commit=request.commit,
            image=request.image,
            refresh=request.refresh,
            known=known,
            seconds=settings.seconds,
        )

    def build(self, lock: str, previous: EarlierBuild | None) -> BuildOrder:
        """``lock`` is the text of a lock file, ``previous`` what to compare with."""
        request, settings = self.job.request, self.settings
        return BuildOrder(
            url=settings.url,
            commit=request.commit,
            image=request.image,
            lock=lock,
            target=self.target,
            key=settings.key,
            boot=settings.boot,
            previous=previous,
            trigger=request.trigger,
            attempt=self.job.attempt,
            seconds=settings.seconds,
        )

    def publish(self) -> PublishOrder:
        return PublishOrder(
            job=self.job.id,
            directory=self.target,
            url=self.settings.storage,
            channel=self.job.request.channel,
            mirror_packages=self.settings.mirror_packages,
        )

    def propose(self, lock: str) -> ProposeOrder | None:
        """``lock`` is the text of a lock file; None where none is to be proposed."""
        request, settings = self.job.request, self.settings
        if settings.lock_branch is None:
            return None
        return ProposeOrder(
            url=settings.url,
            commit=request.commit,
            ref=request.ref,
            subdir=request.image.subdir,
            lock=lock,
            branch=settings.lock_branch.name,
            author=settings.lock_branch.author,
            seconds=settings.seconds,
        )
