# SPDX-License-Identifier: Apache-2.0
"""A private clone that holds one commit, its git folder kept outside of its work tree.

The work tree is nothing but the files of the commit: no ``.git`` that could be copied into an image.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import SourceError
from runner.sources.faults import NO_SHALLOW, NOT_SERVED, GitFault
from runner.sources.porcelain import HardenedGit

if TYPE_CHECKING:
    from pathlib import Path

    from runner.sources.session import Session

_WANTED = "refs/packhouse/source"


@dataclass(frozen=True, slots=True)
class Repository:
    """One private clone. ``session`` carries ``GIT_DIR`` and ``GIT_WORK_TREE`` of it."""

    session: Session
    git: HardenedGit
    git_dir: Path

    @classmethod
    def create(cls, session: Session, git_dir: Path, work_tree: Path, *, sha256: bool) -> Repository:
        """Make an empty repository."""
        git_dir.parent.mkdir(parents=True, exist_ok=True)
        work_tree.mkdir(exist_ok=True)
        work_tree.chmod(0o755)
        inner = session.within(GIT_DIR=str(git_dir), GIT_WORK_TREE=str(work_tree))
        git = HardenedGit(inner)
        git.init(
            "--quiet", "--template=", "--initial-branch=main", f"--object-format={'sha256' if sha256 else 'sha1'}"
        )
        return cls(inner, git, git_dir)

    def fetch(self, url: str, oid: str, name: str | None) -> str:
        """Fetch one commit (or annotated tag and its commit), shallow where the server can; return a name for it.

        The object itself is asked for. A server that only gives what it advertises is asked by ref name (then the
        commit is what the ref is by now), and for a bare commit for all branches and tags.

        Raises:
            SourceError: the commit is not in the repository.
            GitFault: the fetch failed.
        """
        try:
            self.git.fetch_into(url, [f"+{oid}:{_WANTED}"], "--depth=1")
        except GitFault as fault:
            if fault.says(NO_SHALLOW):
                return self._fetch_all(url, oid)
            if not fault.says(NOT_SERVED):
                raise
            if name is None:
                return self._fetch_all(url, oid)
            self.session.say(f"{name} has moved, or is not served by id: fetching it by name")
            self.git.fetch_into(url, [f"+{name}:{_WANTED}"], "--depth=1")
        return _WANTED

    def _fetch_all(self, url: str, oid: str) -> str:
        self.session.say("the server does not give a single commit: fetching all branches and tags")
        self.git.fetch_into(url, ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"])
        try:
            self.git.cat_file("-e", f"{oid}^{{commit}}")
        except GitFault as fault:
            raise SourceError(
                f"there is no commit {oid} in {url}",
                why="no branch or tag of it leads there",
                hint="push the commit, or check its id",
            ) from fault
        return oid

    def complete(self, url: str, prefix: str) -> str:
        """Return the full id of the one commit that starts with ``prefix``, after fetching the history of ``url``.

        Raises:
            SourceError: no commit, or more than one, starts so.
        """
        self.session.say(f"fetching the history of {url} to complete the short commit {prefix}")
        refspecs = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"]
        self.git.fetch_into(url, refspecs, "--filter=tree:0")
        oids = self.git.rev_parse(f"--disambiguate={prefix}").split()
        asked = "\n".join([*oids, ""]).encode()
        kinds = self.session.run("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked).decode()
        commits = [line.split(" ")[0] for line in kinds.splitlines() if line.endswith(" commit")]
        if not commits:
            raise SourceError(
                f"there is no branch, tag or commit {prefix!r} in {url}",
                hint=f"see what there is: git ls-remote {url}",
            )
        if len(commits) > 1:
            raise SourceError(
                f"the short commit {prefix} is ambiguous in {url}",
                why="it could be " + " or ".join(commits[:4]),
                hint="give more digits",
            )
        return commits[0]

    def check_out(self, commit: str) -> None:
        """Write the files of ``commit`` into the work tree: symbolic links as such, no filters, no hooks."""
        self.git.checkout("--quiet", "--force", "--detach", commit)

    def remove(self) -> None:
        """Delete the git folder (not the work tree)."""
        shutil.rmtree(self.git_dir, ignore_errors=True)
