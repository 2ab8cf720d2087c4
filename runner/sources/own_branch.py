# SPDX-License-Identifier: Apache-2.0
"""A branch of ours in somebody's repository: one commit that changes one file, on top of a commit of theirs.

Nothing is checked out, so no filter and no submodule has a say; the push goes through the same hardened git as
every fetch does, and replaces the branch only as it was seen, and only what we committed.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import SourceError, UsageError
from runner.sources.address import Address, parse
from runner.sources.credentials import handed_over
from runner.sources.faults import GitFault, explain
from runner.sources.repository import Repository
from runner.sources.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from runner.process import LineSink

SECONDS = 600.0
_RACE = r"stale info|cannot lock ref|failed to (update|lock) ref|reference already exists|fetch first"
_PLAIN = "100644"
_SHA256_DIGITS = 64


class MovedError(Exception):
    """The branch is not any more as it was seen: somebody else pushed."""


@dataclass(frozen=True, slots=True)
class Person:
    """Author and committer."""

    name: str
    email: str

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"


@dataclass(frozen=True, slots=True)
class Tip:
    """What the branch has now; ``committer`` as ``NAME <ADDRESS>``."""

    commit: str
    parents: tuple[str, ...]
    committer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A commit to be made: ``path`` is relative to the repository's top, ``at`` in seconds since 1970."""

    path: str
    data: bytes
    message: str
    person: Person
    at: int


class OwnBranch:
    """The branch ``name``, to be put upon ``base``; equal files make equal commits.

    Attributes:
        tip: None where there is no such branch.
    """

    def __init__(self, repository: Repository, url: str, name: str, base: str) -> None:
        self._repository, self._git, self._url = repository, repository.git, url
        self._ref, self.base = f"refs/heads/{name}", base
        self.tip = self._tip()

    def read(self, commit: str, path: str) -> bytes | None:
        """Return the file at ``path`` in the base or the tip, None where there is none.

        Raises:
            SourceError: it is a link, a folder or a submodule.
        """
        session = self._repository.session
        listed = session.run("ls-tree", "-z", "--full-tree", commit, "--", f":(literal){path}").decode(
            "utf-8", "surrogateescape"
        )
        if not listed:
            return None
        mode, _, oid = listed.partition("\t")[0].split(" ")
        if not mode.startswith("100"):
            raise SourceError(f"{path} is no plain file in {self._url}", hint="put a plain file in its place")
        return session.run("cat-file", "blob", oid)

    def commit(self, new: NewFile) -> str:
        """Make a commit upon the base and return its id; nothing is pushed."""
        identity = {"NAME": new.person.name, "EMAIL": new.person.email, "DATE": f"{new.at} +0000"}
        session = self._repository.session.within(
            **{f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in identity.items()}
        )
        blob = session.run("hash-object", "-w", "--no-filters", "--stdin", stdin=new.data).decode().strip()
        session.run("read-tree", self.base)
        session.run("update-index", "--add", "--cacheinfo", f"{_PLAIN},{blob},{new.path}")
        tree = session.run("write-tree").decode().strip()
        text = new.message.encode("utf-8", "replace")
        return session.run("commit-tree", tree, "-p", self.base, stdin=text).decode().strip()

    def push(self, commit: str) -> None:
        """Make ``commit`` the tip, if the branch is as it was seen.

        Raises:
            MovedError: it is not.
        """
        self._push(f"{commit}:{self._ref}")

    def delete(self) -> None:
        """Delete the branch, if it is as it was seen.

        Raises:
            MovedError: it is not.
        """
        self._push(f":{self._ref}")

    def is_by(self, person: Person) -> bool:
        """Tell whether the branch is there, and nothing but one commit by ``person``."""
        return self.tip is not None and self.tip.committer == str(person) and len(self.tip.parents) == 1

    def require_ours(self, person: Person) -> None:
        """Refuse to replace what somebody else committed.

        Raises:
            UsageError: the tip is not by ``person``, or no single commit.
        """
        if self.tip is not None and not self.is_by(person):
            name = self._ref.removeprefix("refs/heads/")
            raise UsageError(
                f"the branch {name} has a commit that is not ours",
                where=self._url,
                why=f"its committer is {self.tip.committer}",
                hint="merge it or delete it, or name another branch in packhouse.yaml",
            )

    def _push(self, refspec: str) -> None:
        seen = self.tip.commit if self.tip else ""
        try:
            self._git.push_to(self._url, refspec, lease=f"{self._ref}:{seen}")
        except GitFault as fault:
            if fault.says(_RACE):
                raise MovedError from fault
            raise

    def _tip(self) -> Tip | None:
        listed = (line.partition("\t") for line in self._git.remote_refs(self._url, self._ref).splitlines())
        oid = next((oid for oid, _, name in listed if name == self._ref), None)
        if oid is None:
            return None
        revision = self._repository.fetch(self._url, oid, self._ref)
        raw = self._repository.session.run("cat-file", "commit", revision).decode("utf-8", "surrogateescape")
        head = raw.partition("\n\n")[0]
        committer = re.search(r"^committer (.*) \d+ [+-]\d+$", head, re.MULTILINE)
        return Tip(
            commit=self._git.rev_parse(f"{revision}^{{commit}}"),
            parents=tuple(re.findall(r"^parent ([0-9a-f]+)$", head, re.MULTILINE)),
            committer=committer[1] if committer else "",
        )


@contextmanager
def own_branch(
    source: str,
    name: str,
    base: str,
    *,
    work: Path,
    log: LineSink | None = None,
    env: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
) -> Iterator[OwnBranch]:
    """Fetch the commit ``base`` and the branch ``name`` of ``source``, a git URL or path, into ``work``.

    Raises:
        SourceError: one of them cannot be had, or the push is refused.
        LimitError: it took longer than ``seconds``.
    """
    environment = os.environ if env is None else env
    address = parse(source)
    if not isinstance(address, Address):
        address = Address(str(address.absolute()), "file")
    transports = frozenset({"https", "ssh", address.transport})
    try:
        with handed_over(address, environment) as handover:
            session = open_session(
                source, env=environment, seconds=seconds, transports=transports, handover=handover, log=log
            ).configured([("safe.directory", "*")])
            repository = Repository.create(
                session, work / "own.git", work / "own", sha256=len(base) == _SHA256_DIGITS
            )
            repository.fetch(address.url, base, None)
            yield OwnBranch(repository, address.url, name, base)
    except GitFault as fault:
        raise explain(fault, address.url) from fault
