# SPDX-License-Identifier: Apache-2.0
"""From a plan to a lock with all its files in the store."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec

from runner.create.registry import MODULES, builder_for
from runner.create.toolchain import discover
from runner.packages import lockfile
from runner.packages.api import ResolveContext
from runner.packages.fetch import Fetcher
from runner.packages.lock import Lock, Tool
from runner.packages.managers import package_manager
from runner.pipeline.package_sources import package_sources
from runner.pipeline.phases import phase
from runner.process import tool_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.packages.api import PackageFile
    from runner.pipeline.request import Machine
    from runner.plan.model import Plan
    from runner.sources.checkout import Checkout


def committed_or_new(
    plan: Plan, checkout: Checkout, machine: Machine, *, allow_expired: bool = False
) -> tuple[Lock, tuple[PackageFile, ...]]:
    """Take the lock beside the description, or make one where there is none; fetch its files.

    Raises:
        ResolveError: there is a lock file and it does not fit the plan, or no lock can be made.
    """
    lock = lockfile.lock_of_plan(checkout.directory, plan)
    if lock is None:
        return make_lock(plan, checkout, machine, allow_expired=allow_expired)
    return lock, fetch(lock, checkout, machine)


def make_lock(
    plan: Plan, checkout: Checkout, machine: Machine, *, allow_expired: bool = False
) -> tuple[Lock, tuple[PackageFile, ...]]:
    """Resolve the plan's packages as the repositories are now, and fetch them."""
    with phase(machine.reporter, "resolve") as detail, machine.store.scratch("resolve") as work:
        resolution = package_manager(plan.packages.manager).resolve(
            plan.packages,
            ResolveContext(
                work=work,
                description=checkout.directory,
                mirrors=machine.mirrors,
                sink=machine.reporter.line,
                allow_expired=allow_expired,
            ),
        )
        detail.text = f"{len(resolution.packages)} packages"
    draft = Lock(
        request=plan.packages.digest,
        description=plan.description.digest,
        arch=plan.arch,
        epoch=0,
        solver=resolution.solver,
        toolchain=_toolchain(),
        repositories=resolution.repositories,
        packages=resolution.packages,
    )
    files = fetch(draft, checkout, machine)
    return msgspec.structs.replace(draft, epoch=_epoch(plan, checkout, files, machine.env)), files


def fetch(lock: Lock, checkout: Checkout, machine: Machine) -> tuple[PackageFile, ...]:
    """Bring every file of ``lock`` into the store: from our storages, else from its mirror."""
    fetcher = Fetcher(machine.store.blobs, machine.mirrors, checkout.directory, package_sources(machine))
    with phase(machine.reporter, "fetch") as detail:
        files = fetcher.fetch(lock, machine.reporter.fetched)
        detail.text = f"{sum(package.size for package in lock.packages) / 1e6:.1f} MB"
    return files


def _epoch(plan: Plan, checkout: Checkout, files: tuple[PackageFile, ...], env: Mapping[str, str]) -> int:
    """The newest of commit and package build times; the caller's SOURCE_DATE_EPOCH wins."""
    if env.get("SOURCE_DATE_EPOCH", "").isdigit():
        return int(env["SOURCE_DATE_EPOCH"])
    build_time = package_manager(plan.packages.manager).build_time
    return max(checkout.commit_time or 0, *(build_time(file.path) for file in files))


def _toolchain() -> tuple[Tool, ...]:
    names = {tool for image in MODULES for tool in builder_for(image).tools}
    return discover(name for name in names if shutil.which(name, path=tool_environment()["PATH"]))
