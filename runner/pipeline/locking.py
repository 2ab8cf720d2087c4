# SPDX-License-Identifier: Apache-2.0
"""From a plan to a lock with all its files in the store."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec

from runner.create.registry import MODULES, builder_for
from runner.create.toolchain import discover
from runner.disk import verity
from runner.disk.filesystems import registry as filesystems
from runner.packages import lockfile
from runner.packages.api import PackageFile, ResolveContext
from runner.packages.epoch import epoch
from runner.packages.fetch import Fetcher
from runner.packages.lock import Lock, Tool
from runner.packages.managers import package_manager
from runner.pipeline.package_sources import package_sources
from runner.pipeline.phases import phase
from runner.plan.disk_packages import require_startable
from runner.process import tool_environment

if TYPE_CHECKING:
    from runner.packages.lockfile import LockFile
    from runner.pipeline.request import Machine, Selection
    from runner.pipeline.source import Source
    from runner.plan.model import Plan


def committed_or_new(
    plan: Plan, source: Source, machine: Machine, selection: Selection, given: LockFile | None = None
) -> tuple[Lock, tuple[PackageFile, ...]]:
    """Take the lock ``given``, else the one beside the description, or make one; fetch its files.

    Raises:
        ResolveError: there is a lock file and it does not fit the plan, or no lock can be made.
        BuildError: the image is a disk, and its packages bring nothing that would start it.
    """
    directory = source.checkout.directory
    lock = lockfile.lock_of_plan(directory, plan, given)
    known = lock or _resolve(plan, source, machine, selection)
    versions = {package.name: package.version for package in known.packages}
    require_startable(plan, versions, directory, where=source.place(selection))
    if lock is None:
        return _complete(known, plan, source, machine, selection)
    return lock, fetch(lock, source, machine, selection)


def make_lock(
    plan: Plan, source: Source, machine: Machine, selection: Selection
) -> tuple[Lock, tuple[PackageFile, ...]]:
    """Resolve the plan's packages as the repositories are now, and fetch them."""
    return _complete(_resolve(plan, source, machine, selection), plan, source, machine, selection)


def _resolve(plan: Plan, source: Source, machine: Machine, selection: Selection) -> Lock:
    """Return a lock that lacks what only the packages' files tell: when they were built."""
    with phase(machine.reporter, "resolve") as detail, machine.store.scratch("resolve") as work:
        resolution = package_manager(plan.packages.manager).resolve(
            plan.packages,
            ResolveContext(
                work=work,
                description=source.checkout.directory,
                boundary=source.checkout.work_tree,
                mirrors=machine.mirrors,
                sink=machine.reporter.line,
                allow_expired=selection.allow_expired,
                credentials=source.credentials(selection, machine.env),
            ),
        )
        detail.text = f"{len(resolution.packages)} packages"
    return Lock(
        request=plan.packages.digest,
        description=plan.description.digest,
        arch=plan.arch,
        epoch=0,
        solver=resolution.solver,
        toolchain=_toolchain(),
        repositories=resolution.repositories,
        packages=resolution.packages,
    )


def _complete(
    draft: Lock, plan: Plan, source: Source, machine: Machine, selection: Selection
) -> tuple[Lock, tuple[PackageFile, ...]]:
    files = fetch(draft, source, machine, selection)
    lock = _with_build_times(draft, plan.packages.manager, machine)
    built = (package.built or 0 for package in lock.packages)
    lock = msgspec.structs.replace(lock, epoch=epoch(source.checkout.commit_time, built, machine.env))
    return lock, tuple(PackageFile(package, file.path) for package, file in zip(lock.packages, files, strict=True))


def still_fresh(lock: Lock, plan: Plan, source: Source, machine: Machine, selection: Selection) -> bool:
    """Tell, within moments, that resolving ``plan`` now would give ``lock`` again."""
    if lock.request != plan.packages.digest:
        return False
    return package_manager(plan.packages.manager).is_fresh(lock, _fetcher(source, machine, selection))


def fetch(lock: Lock, source: Source, machine: Machine, selection: Selection) -> tuple[PackageFile, ...]:
    """Bring every file of ``lock`` into the store: from our storages, else from its mirror."""
    fetcher = _fetcher(source, machine, selection)
    with phase(machine.reporter, "fetch") as detail:
        files = fetcher.fetch(lock, machine.reporter.fetched)
        detail.text = f"{sum(package.size for package in lock.packages) / 1e6:.1f} MB"
    return files


def _fetcher(source: Source, machine: Machine, selection: Selection) -> Fetcher:
    return Fetcher(
        machine.store.blobs,
        machine.mirrors,
        source.checkout.directory,
        package_sources(machine),
        source.credentials(selection, machine.env),
    )


def _with_build_times(lock: Lock, manager: str, machine: Machine) -> Lock:
    """Note when each package was built. The store's files are read, so they are checked before."""
    build_time = package_manager(manager).build_time
    packages = []
    for package in lock.packages:
        name = f"{package.name} {package.version}"
        path = machine.store.blobs.verified(package.sha256, name=name)
        packages.append(msgspec.structs.replace(package, built=build_time(path, name=name)))
    return msgspec.structs.replace(lock, packages=tuple(packages))


def _toolchain() -> tuple[Tool, ...]:
    names = {tool for image in MODULES for tool in builder_for(image).tools}
    names |= {*verity.TOOLS}
    names |= {tool for kind in filesystems.MODULES for tool in filesystems.filesystem_for(kind).tools}
    return discover(name for name in names if shutil.which(name, path=tool_environment()["PATH"]))
