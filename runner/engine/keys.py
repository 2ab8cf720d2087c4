# SPDX-License-Identifier: Apache-2.0
"""Step keys of the tree: what a layer was made from, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner import prepare
from runner.digest import digest_of, sha256_file
from runner.packages.managers import package_manager
from runner.plan.model import Plan
from runner.prepare.sequence import POST_BOOTSTRAP

if TYPE_CHECKING:
    from runner.engine.job import Job


class PackagesInputs(msgspec.Struct, frozen=True, kw_only=True):
    """What the tree of packages is made from."""

    manager: str
    version: int
    arch: str
    epoch: int
    exclude_docs: bool
    packages: tuple[tuple[str, ...], ...]
    prepare: int
    empty_temporary: bool
    between: tuple[str, ...]
    """Digests of what runs between bootstrap and image packages: variables, script, archives."""


class ConfiguredInputs(msgspec.Struct, frozen=True, kw_only=True):
    """What is laid over the packages, and the key of the packages below."""

    below: str
    version: int
    plan: Plan
    lock: str
    description: str


def packages_key(job: Job, epoch: int) -> str:
    manager = job.plan.packages.manager
    return digest_of(
        PackagesInputs(
            manager=manager,
            version=package_manager(manager).VERSION,
            arch=job.plan.arch,
            epoch=epoch,
            exclude_docs=job.plan.settings.exclude_docs,
            packages=tuple((p.name, p.version, p.arch, p.sha256, p.phase, p.reason) for p in job.lock.packages),
            prepare=prepare.VERSION,
            empty_temporary=job.plan.type.ensure_empty_tmpdirs,
            between=_between(job),
        )
    )


def configured_key(job: Job, below: str) -> str:
    return digest_of(
        ConfiguredInputs(
            below=below,
            version=prepare.VERSION,
            plan=job.plan,
            lock=job.lock.digest,
            description=job.plan.description.digest,
        )
    )


def _between(job: Job) -> tuple[str, ...]:
    script = job.description / POST_BOOTSTRAP
    archives = [job.description / item.name for item in job.plan.archives if item.phase == "bootstrap"]
    files = [script, *archives] if script.exists() else archives
    if not files:
        return ()
    return (digest_of(job.plan.environment), *(sha256_file(path) for path in files))
