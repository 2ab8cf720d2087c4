# SPDX-License-Identifier: Apache-2.0
"""A folder of this machine as a source: used where it lies, never written to.

The repository around it may be anyone's: its hooks, file system monitor and filters are not run. A filter that
is not run (LFS, git-crypt) can make an unchanged folder look changed, never the other way round.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import SourceError
from runner.sources import lfs
from runner.sources.address import shown
from runner.sources.checkout import Checkout
from runner.sources.faults import GitFault
from runner.sources.objects import gitlinks, read_commit

if TYPE_CHECKING:
    from pathlib import Path

    from runner.sources.session import Session

_STATUS = ("status", "--porcelain=v2", "-z", "--no-renames", "--untracked-files=normal", "--ignored=matching")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a folder lies.

    Attributes:
        folder: the folder itself, resolved.
        top: top of the work tree around it; None outside any repository.
        bare: ``folder`` is a repository without work tree.
        branch: full name of the branch checked out, None when detached, unborn or outside.
    """

    folder: Path
    top: Path | None = None
    bare: bool = False
    branch: str | None = None

    @property
    def prefix(self) -> str:
        """The folder relative to ``top``, ``.`` for the top."""
        return str(self.folder.relative_to(self.top)) if self.top else "."


def discover(folder: Path, session: Session) -> Place:
    """Find the repository around ``folder``.

    Raises:
        GitFault: there is one, and git cannot read it.
    """
    folder = folder.resolve()
    asked = ("--is-inside-work-tree", "--is-bare-repository", "--show-cdup", "--symbolic-full-name", "HEAD")
    try:
        answer = session.run("rev-parse", *asked, cwd=folder)
    except GitFault as fault:
        if fault.says("not a git repository") and not fault.says("gitdir|invalid"):
            return Place(folder)
        return _unborn(folder, session, fault)
    inside, bare, *rest = answer.decode("utf-8", "surrogateescape").split("\n")
    if inside != "true":
        return Place(folder, bare=bare == "true")
    top = folder
    for _ in range(rest[0].count("../")):
        top = top.parent
    return Place(folder, top, branch=None if rest[1] == "HEAD" else rest[1])


def _unborn(folder: Path, session: Session, fault: GitFault) -> Place:
    """A repository without a commit says nothing about the folder yet; any other fault stands."""
    if fault.says("ambiguous argument 'HEAD'|unknown revision"):
        inside = session.run("rev-parse", "--is-inside-work-tree", cwd=folder).strip()
        return Place(folder, bare=inside != b"true")
    raise fault


def describe(place: Place, url: str, session: Session) -> Checkout:
    """Return the checkout for a folder as it lies there.

    ``dirty`` is set when any file of the folder differs from the commit; untracked and ignored files count, they
    would be built into the image all the same.

    Raises:
        SourceError: it holds Git LFS pointers instead of files.
        GitFault: the repository cannot be read.
    """
    pointers = lfs.find_pointers(place.folder)
    lfs.refuse_pointers(
        pointers, place.folder, why="the folder holds only pointers to them", hint="run: git lfs pull"
    )
    facts = read_commit(session, "HEAD", "./", cwd=place.folder) if place.top else None
    return Checkout(
        url=url,
        ref=None,
        resolved_ref=place.branch if facts else None,
        commit=facts.commit if facts else None,
        tree=facts.oid if facts and facts.kind == "tree" else None,
        commit_time=facts.time if facts else None,
        dirty=facts is not None and (facts.kind != "tree" or _is_dirty(place.folder, place.top, session)),
        work_tree=place.top or place.folder,
        subdir=place.prefix,
    )


def _is_dirty(folder: Path, top: Path | None, session: Session) -> bool:
    tame = session.configured(_no_filters(folder, session))
    # a submodule's own state is asked for below: git would ask with the submodule's configuration
    if tame.run(*_STATUS, "--ignore-submodules=dirty", "--", ".", cwd=folder):
        return True
    if top is None or not (top / ".gitmodules").exists():
        return False
    links = gitlinks(session.run("ls-files", "-s", "-z", "--full-name", "--", ".", cwd=folder))
    return any(_is_submodule_dirty(top / path, session) for path, _ in links)


def _is_submodule_dirty(folder: Path, session: Session) -> bool:
    if not (folder / ".git").exists():
        return True  # not checked out: its files are missing
    return _is_dirty(folder, folder, session)


def _no_filters(folder: Path, session: Session) -> list[tuple[str, str]]:
    """Return settings that switch off each filter program the repository's configuration names."""
    try:
        listing = session.run("config", "-z", "--name-only", "--get-regexp", r"^filter\.", cwd=folder)
    except GitFault as fault:
        if fault.returncode == 1:  # no such key
            return []
        raise
    names = {key[len("filter.") :].rpartition(".")[0] for key in os.fsdecode(listing).split("\0") if key}
    settings = []
    for name in sorted(names):
        settings += [(f"filter.{name}.{key}", "") for key in ("clean", "smudge", "process")]
        settings.append((f"filter.{name}.required", "false"))
    return settings


def folder_of(path: Path, subdir: str) -> Path:
    """Return the folder ``subdir`` of ``path``.

    Raises:
        SourceError: it is not there, or no folder.
    """
    folder = path / subdir
    try:
        mode = folder.stat().st_mode
        listable = os.access(folder, os.R_OK | os.X_OK)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        hint = "check the path; a git URL looks like https://host/path"
        raise SourceError(f"there is no folder {shown(str(folder))}", why=why, hint=hint) from error
    if not stat.S_ISDIR(mode):
        raise SourceError(f"{folder} is a file", hint=f"give the folder it lies in: {folder.parent}")
    if not listable:
        raise SourceError(f"{folder} cannot be read", hint="check its owner and mode")
    return folder
