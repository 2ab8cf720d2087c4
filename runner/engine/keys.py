# SPDX-License-Identifier: Apache-2.0
"""Step keys of the tree: what a layer was made from, and nothing else."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from runner import prepare
from runner.digest import digest_of, sha256_bytes, sha256_file
from runner.engine import links
from runner.packages.managers import package_manager
from runner.plan.model import Plan
from runner.prepare.origin import Origin
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
    between: tuple[tuple[str, str, int, str], ...]
    """What runs between bootstrap and image packages: name, target, mode and digest of each."""
    isolation: str
    """The manifest tells how a tree was made, so another way makes another layer."""
    owners: tuple[str, ...]
    """The map of user and group ids: a layer's owners mean something else under another one."""


class ConfiguredInputs(msgspec.Struct, frozen=True, kw_only=True):
    """What is laid over the packages, and the key of the packages below."""

    below: str
    version: int
    plan: Plan
    lock: str
    description: str
    text: str
    git_modes: bool
    modes: tuple[tuple[str, int], ...]
    """Modes of the description's files where they count; its digest knows the executable bit alone."""


class PartInputs(msgspec.Struct, frozen=True, kw_only=True):
    """What a part of an image was made from that is kept for itself, such as an initrd."""

    name: str
    inputs: str
    isolation: str
    owners: tuple[str, ...]
    """As of the packages: a part is for those alone who can read it."""


def packages_key(job: Job, epoch: int, isolation: str) -> str:
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
            isolation=isolation,
            owners=_owners(),
        )
    )


def configured_key(job: Job, below: str) -> str:
    return digest_of(
        ConfiguredInputs(
            below=below,
            version=prepare.VERSION + links.VERSION,
            plan=job.plan,
            lock=job.lock.digest,
            description=job.plan.description.digest,
            text=sha256_bytes(job.description_text.encode()),
            git_modes=job.git_modes,
            modes=() if job.git_modes else _modes(job.description),
        )
    )


def part_key(name: str, inputs: str, isolation: str) -> str:
    return digest_of(PartInputs(name=name, inputs=inputs, isolation=isolation, owners=_owners()))


def _owners() -> tuple[str, ...]:
    return tuple(" ".join(Path(f"/proc/self/{name}_map").read_text().split()) for name in ("uid", "gid"))


def _between(job: Job) -> tuple[tuple[str, str, int, str], ...]:
    origin = Origin(job.description, job.boundary, job.git_modes)
    archives = [item for item in job.plan.archives if item.phase == "bootstrap"]
    found = [(item.name, item.target_dir, 0, sha256_file(origin.file(item.name))) for item in archives]
    script = origin.find(POST_BOOTSTRAP)
    if script is not None:
        found.append((POST_BOOTSTRAP, "", origin.mode(script), sha256_file(script)))
        found.append(("environment", "", 0, digest_of(job.plan.environment)))
    for group in job.plan.certificates:
        present = (path for name in group.names if (path := origin.find(name)) is not None and path.is_file())
        found += [(path.name, group.target_distribution, 0, sha256_file(path)) for path in present]
    return tuple(sorted(found))


def _modes(folder: Path) -> tuple[tuple[str, int], ...]:
    paths = sorted(path for path in folder.rglob("*") if not path.is_symlink())
    return tuple((str(path.relative_to(folder)), stat.S_IMODE(path.stat().st_mode)) for path in paths)
