# SPDX-License-Identifier: Apache-2.0
"""Put the lock that a nightly build was made from onto a branch of its repository.

The branch has one commit, which is a function of the commit it builds upon, the locks and the committer: asked
for twice it is made once. Images that share a lock file share the branch: each adds its lock to those of the
others, and takes it out again when its packages went back to those of the committed lock. With nothing left to
propose the branch is deleted, which tells whoever offers it to the repository that there is nothing to offer.

An old build that ends late does not put the branch back: its lock is not proposed once a later job of the schedule
and folder has begun that builds another commit, or the same image (:mod:`runner.service.jobs.later`). That is
looked up right before this step; should a later job begin just then, it gets here after this one and has the last
word.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from runner.errors import SourceError, UsageError
from runner.packages import lockfile
from runner.packages.compare import compare
from runner.packages.lock import LOCK_FILE
from runner.packages.lockfile import LockFile
from runner.pipeline.phases import phase
from runner.release.changes_text import package_lines
from runner.service.steps.order import Proposed
from runner.sources.own_branch import MovedError, NewFile, Person, own_branch

if TYPE_CHECKING:
    from runner.packages.compare import PackageChange
    from runner.packages.lock import Lock
    from runner.pipeline.request import Machine
    from runner.service.steps.order import ProposeOrder
    from runner.sources.own_branch import OwnBranch

_BRANCHES = "refs/heads/"
_RACES = 5
_MOST_LINES = 400


def propose(order: ProposeOrder, machine: Machine) -> Proposed:
    """Push the branch, unless it is as it is to be; take back what it has of a lock that is committed by now.

    Raises:
        UsageError: what was built is no branch, or the branch that is to be pushed is not ours.
        SourceError: the repository cannot be reached, or does not take the push.
    """
    base = order.ref.removeprefix(_BRANCHES)
    if not order.ref.startswith(_BRANCHES) or base == order.branch:
        raise UsageError(
            f"{order.ref} is no branch that {order.branch} could be proposed to",
            hint="name a branch with ref of the schedule, and another one with branch of pull_request",
        )
    for _ in range(_RACES):
        with phase(machine.reporter, "propose") as detail, machine.store.scratch("propose") as work:
            try:
                with own_branch(
                    order.url,
                    order.branch,
                    order.commit,
                    work=work,
                    env=machine.env,
                    log=machine.reporter.line,
                    seconds=order.seconds,
                ) as branch:
                    made = _propose(order, base, branch)
            except MovedError:  # another image's lock went there meanwhile
                continue
            detail.text = made.branch or "the committed lock has the same packages"
            return made
    raise SourceError(f"the branch {order.branch} never came to rest", hint="look who else pushes to it")


def _propose(order: ProposeOrder, base: str, branch: OwnBranch) -> Proposed:
    path = LOCK_FILE if order.subdir == "." else f"{order.subdir}/{LOCK_FILE}"
    (lock,) = lockfile.parse(order.lock.encode()).locks
    folder = _Folder(order, base, branch, path, _locks(branch.read(branch.base, path), path))
    if _same(folder.committed.lock_for(lock.request), lock):
        return _take_back(folder, lock.request)
    branch.require_ours(folder.person)
    pending = folder.pending() if folder.is_current else folder.committed
    return _put(folder, pending if _same(pending.lock_for(lock.request), lock) else pending.with_lock(lock))


@dataclass(frozen=True, slots=True)
class _Folder:
    """The lock file at ``path``; ``committed`` is what it has where our branch is to become part of it."""

    order: ProposeOrder
    base: str
    branch: OwnBranch
    path: str
    committed: LockFile

    @property
    def person(self) -> Person:
        return Person(*self.order.author)

    @property
    def is_current(self) -> bool:
        """Whether the branch is there, upon the commit that was built."""
        return self.branch.tip is not None and self.branch.tip.parents == (self.branch.base,)

    def pending(self) -> LockFile:
        """What the branch proposes."""
        tip = self.branch.tip
        return LockFile() if tip is None else _locks(self.branch.read(tip.commit, self.path), self.path)


def _take_back(folder: _Folder, request: str) -> Proposed:
    """Propose no lock for ``request`` any more: it was merged, or packages went back.

    The branch goes with the last lock on it. Of one upon another commit only those stay that are committed, too.
    """
    branch, committed = folder.branch, folder.committed
    if not branch.is_by(folder.person):
        return Proposed()
    pending = folder.pending()
    others = (
        each
        for each in pending.locks
        if each.request != request and (folder.is_current or committed.lock_for(each.request))
    )
    rest = reduce(LockFile.with_lock, others, committed)
    if all(_same(committed.lock_for(each.request), each) for each in rest.locks):
        branch.delete()
        return Proposed()
    before = pending.lock_for(request)
    if before is None or _same(committed.lock_for(request), before):
        return Proposed()  # what is proposed are locks of other images, which see to them
    return _put(folder, rest)


def _put(folder: _Folder, new: LockFile) -> Proposed:
    """Have the branch propose ``new``."""
    order, branch = folder.order, folder.branch
    title = f"Refresh the lock of {order.subdir}" if order.subdir != "." else "Refresh the lock"
    lines = package_lines(_changes(folder.committed, new), _MOST_LINES) or ["a new lock for the same packages"]
    commit = branch.commit(
        NewFile(
            path=folder.path,
            data=lockfile.render(new),
            message="\n".join([title, "", *lines, ""]),
            person=folder.person,
            at=max(each.epoch for each in new.locks),
        )
    )
    if branch.tip is None or branch.tip.commit != commit:
        branch.push(commit)
    return Proposed(branch=order.branch, base=folder.base, title=title, text="\n".join(lines))


def _locks(data: bytes | None, path: str) -> LockFile:
    return LockFile() if data is None else lockfile.parse(data, where=path)


def _same(before: Lock | None, after: Lock) -> bool:
    """Tell whether the packages are the same; the tools at hand are not worth a proposal."""
    return before is not None and {each.sha256 for each in before.packages} == {
        each.sha256 for each in after.packages
    }


def _changes(before: LockFile, after: LockFile) -> list[PackageChange]:
    """Return what is different in any lock, each once; a lock for a request that had none is all new."""
    found: set[PackageChange] = set()
    for lock in after.locks:
        old = before.lock_for(lock.request)
        found.update(compare(old.packages if old else (), lock.packages))
    return sorted(found)
