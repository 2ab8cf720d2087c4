# SPDX-License-Identifier: Apache-2.0
"""Submodules of the description's folder, at the commits the parent pins.

Only what lies in the folder is fetched. Nothing of ``git submodule`` is used: it takes instructions from
configuration. ``.gitmodules`` is read from the commit as data, for paths and URLs and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.errors import PackhouseError, SourceError
from runner.sources.address import Address, parse_submodule, shown
from runner.sources.faults import GitFault, explain
from runner.sources.objects import gitlinks
from runner.sources.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

    from runner.sources.session import Session

_DEPTH = 5
_COUNT = 100


@dataclass(frozen=True, slots=True)
class _Link:
    """A submodule to bring: where from, which commit, and where its files and its git folder go."""

    address: Address
    commit: str
    folder: Path
    git_dir: Path


def bring(
    repository: Repository, commit: str, address: Address, work_tree: Path, subdir: str = ".", *, depth: int = 0
) -> None:
    """Check out every submodule below ``subdir`` of ``commit``, and theirs.

    Raises:
        SourceError: a submodule has no URL, one that is not allowed, or cannot be fetched; or they nest too deep.
    """
    links = gitlinks(
        repository.session.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", f":(literal){subdir}")
    )
    if not links:
        return
    if depth >= _DEPTH or len(links) > _COUNT:
        raise SourceError(
            f"too many submodules in {address.url}",
            why=f"at most {_COUNT} in a repository and {_DEPTH} levels are followed",
            hint="put the files into the repository itself",
        )
    urls = _urls(repository, commit)
    for number, (path, oid) in enumerate(links):
        try:
            if path not in urls:
                raise SourceError(
                    "the submodule has no URL", hint="add it to .gitmodules, or remove the submodule"
                )
            link = parse_submodule(urls[path], parent=address, transports=repository.session.transports)
            git_dir = repository.git_dir / "modules" / str(number)
            _bring_one(repository.session, _Link(link, oid, work_tree / path, git_dir), depth + 1)
        except GitFault as fault:
            raise _blamed(explain(fault, urls[path]), path) from fault
        except PackhouseError as error:
            raise _blamed(error, path) from error


def _bring_one(session: Session, link: _Link, depth: int) -> None:
    if link.folder.resolve() != link.folder.parent.resolve() / link.folder.name:
        raise SourceError("the submodule lies behind a symbolic link", hint="remove the link")
    sha256 = len(link.commit) == 64  # noqa: PLR2004 - hex digits of SHA-256
    repository = Repository.create(session, link.git_dir, link.folder, sha256=sha256)
    session.say(f"fetching submodule {link.folder.name} from {link.address.url} at {link.commit}")
    repository.check_out(repository.fetch(link.address.url, link.commit, None))
    bring(repository, link.commit, link.address, link.folder, depth=depth)


def _blamed(error: PackhouseError, path: str) -> PackhouseError:
    inner = f" in {error.where}" if error.where else ""
    error.where = f"submodule {shown(path)}{inner}"
    return error


def _urls(repository: Repository, commit: str) -> dict[str, str]:
    """Read ``.gitmodules`` of ``commit``: path to URL."""
    try:
        listing = repository.session.run("config", "-z", "--blob", f"{commit}:.gitmodules", "--list")
    except GitFault:
        return {}
    paths, urls = {}, {}
    for entry in listing.decode("utf-8", "surrogateescape").split("\0"):
        key, _, value = entry.partition("\n")
        section, _, rest = key.partition(".")
        name, _, variable = rest.rpartition(".")
        if section == "submodule" and variable == "path":
            paths[name] = value
        elif section == "submodule" and variable == "url":
            urls[name] = value
    return {path: urls[name] for name, path in paths.items() if name in urls}
