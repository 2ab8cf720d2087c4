# SPDX-License-Identifier: Apache-2.0
"""Bring one commit of a repository to this machine: the commit, its submodules, its LFS files."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import SourceError
from runner.sources import lfs, refs, submodules
from runner.sources.checkout import Checkout
from runner.sources.objects import CommitFacts, gitlinks, read_commit
from runner.sources.porcelain import HardenedGit
from runner.sources.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from runner.sources.address import Address
    from runner.sources.session import Session


@dataclass(frozen=True, slots=True)
class Request:
    """What to bring: ``subdir`` is relative to the top of the repository, clean, ``.`` for the top."""

    address: Address
    url: str
    ref: str | None
    subdir: str


def clone(request: Request, work: Path, session: Session) -> Checkout:
    """Check the requested commit out below ``work``; on any failure leave nothing there.

    Raises:
        SourceError: no such ref, commit or folder; submodules or LFS files that cannot be had.
        GitFault: git failed otherwise.
        LimitError: it took longer than the session may.
    """
    work_tree, git_dir = work / "source", work / "source.git"
    work_tree.mkdir(parents=True)  # outside of the clean-up: what was there before is not ours
    try:
        return _clone(request, work_tree, git_dir, session)
    except BaseException:
        shutil.rmtree(work_tree, ignore_errors=True)
        shutil.rmtree(git_dir, ignore_errors=True)
        raise


def _clone(request: Request, work_tree: Path, git_dir: Path, session: Session) -> Checkout:
    url = request.address.url
    session.say(f"looking up {request.ref or 'the default branch'} in {request.url}")
    target = refs.find(HardenedGit(session), session, url, request.ref)
    oid = _complete(target, url, git_dir, session) if target.short else target.oid
    session.say(f"found {target.name or 'commit'} at {oid}; fetching it")
    repository = Repository.create(session, git_dir, work_tree, sha256=target.sha256)
    revision = repository.fetch(url, oid, target.name)
    facts = _folder_facts(repository, revision, request)
    repository.check_out(facts.commit)
    submodules.bring(repository, facts.commit, request.address, work_tree, request.subdir)
    lfs.bring(repository, request.address, work_tree, request.subdir)
    session.say(f"checked out {facts.commit}")
    return Checkout(
        url=request.url,
        ref=request.ref,
        resolved_ref=target.name,
        commit=facts.commit,
        tree=facts.oid,
        commit_time=facts.time,
        dirty=False,
        work_tree=work_tree,
        subdir=request.subdir,
    )


def _complete(target: refs.Target, url: str, git_dir: Path, session: Session) -> str:
    scratch = Repository.create(session, git_dir, git_dir.with_suffix(""), sha256=target.sha256)
    try:
        return scratch.complete(url, target.oid)
    finally:
        scratch.remove()


def _folder_facts(repository: Repository, revision: str, request: Request) -> CommitFacts:
    folder = "" if request.subdir == "." else request.subdir
    facts = read_commit(repository.session, revision, folder)
    if facts is None:
        raise SourceError(
            f"{request.ref} in {request.url} does not lead to a commit", hint="name a branch or a commit"
        )
    if facts.kind == "tree":
        return facts
    raise SourceError(
        f"there is no folder {request.subdir!r} in {request.url} at {facts.commit}",
        why=_why_no_folder(repository, facts, request.subdir),
        hint="check --subdir; it is relative to the top of the repository",
    )


def _why_no_folder(repository: Repository, facts: CommitFacts, subdir: str) -> str | None:
    if facts.kind == "blob":
        return "it is a file or a symbolic link, not a folder"
    for path, _ in gitlinks(repository.session.run("ls-tree", "-r", "-z", "--full-tree", facts.commit)):
        if f"{subdir}/".startswith(f"{path}/"):
            return f"{path} is a submodule: build from its own repository"
    return None
