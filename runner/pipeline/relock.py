# SPDX-License-Identifier: Apache-2.0
"""Write the lock file beside a description: one lock for each different package request it can make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.errors import UsageError
from runner.packages import lockfile
from runner.packages.compare import compare
from runner.pipeline.locking import make_lock
from runner.pipeline.source import open_source
from runner.plan.make import combinations
from runner.sources.address import Address, parse

if TYPE_CHECKING:
    from pathlib import Path

    from runner.packages.lock import Lock
    from runner.pipeline.request import Machine, Selection
    from runner.pipeline.source import Source
    from runner.plan.model import Plan


@dataclass(frozen=True, slots=True)
class Change:
    """One package that is locked otherwise than before."""

    text: str


@dataclass(frozen=True, slots=True)
class Relocked:
    path: Path
    file: lockfile.LockFile
    changes: tuple[Change, ...]


def relock(selection: Selection, machine: Machine, *, update: bool) -> Relocked:
    """Make the missing locks of a description, with ``update`` all of them, and write the file.

    With a type or profile chosen only that one's lock is made; otherwise every buildable combination's.

    Raises:
        SourceError: the source is nothing that could be one.
        UsageError: the source is no folder of this machine, so nothing can be written beside the description.
        ResolveError: a request cannot be solved; the file is as it was before.
    """
    if selection.ref is not None or isinstance(parse(selection.source), Address):
        raise _elsewhere()
    with open_source(selection, machine) as source:
        if source.checkout.directory.resolve().is_relative_to(machine.store.root.resolve()):
            raise _elsewhere()  # a clone that will be gone: the path is that of a bare repository
        plans = _plans(source, selection)
        directory = source.checkout.directory
        old = lockfile.load(directory) or lockfile.LockFile()
        new, changes = old, list[Change]()
        for plan in plans:
            before = old.lock_for(plan.packages.digest)
            if before is not None and not update:
                continue
            lock, _ = make_lock(plan, source, machine, selection)
            # The tools at hand are part of what is promised, not of what is locked anew by chance.
            if before is None or before.content_digest != lock.content_digest:
                new = new.with_lock(lock)
                changes += _diff(before, lock)
        if not (selection.profiles or selection.type_name or selection.overrides):
            new = new.only(plan.packages.digest for plan in plans)
        path = lockfile.write(directory, new)
    return Relocked(path, new, tuple(changes))


def _elsewhere() -> UsageError:
    return UsageError(
        "a lock file is written beside a description on this machine",
        hint="give the path of a work tree, without --ref",
    )


def _plans(source: Source, selection: Selection) -> list[Plan]:
    if selection.profiles or selection.type_name:
        return [source.buildable_plan(selection)]
    plans: dict[str, Plan] = {}
    for combination in combinations(source.description, arch=selection.arch):
        chosen = _replace(selection, combination.profiles, combination.type_name)
        plan = source.plan(chosen)
        if not plan.unsupported:
            plans.setdefault(plan.packages.digest, plan)
    return [plans[digest] for digest in sorted(plans)]


def _replace(selection: Selection, profiles: tuple[str, ...], type_name: str) -> Selection:
    return replace(selection, profiles=profiles, type_name=type_name)


def _diff(before: Lock | None, after: Lock) -> list[Change]:
    if before is None:
        return [Change(f"new lock with {len(after.packages)} packages")]
    return [Change(str(change)) for change in compare(before.packages, after.packages)]
