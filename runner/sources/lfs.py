# SPDX-License-Identifier: Apache-2.0
"""Git LFS: fetch the real files where that is possible, refuse to build from the pointers where it is not."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from runner.errors import SourceError
from runner.sources.faults import GitFault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.sources.address import Address
    from runner.sources.repository import Repository

_SPEC = b"version https://git-lfs.github.com/spec/v1\n"
_POINTER_BYTES = 1024
"""A pointer file is smaller than this (the Git LFS specification)."""
_NAMED = 5
_FILTER = (("filter.lfs.clean", "git-lfs clean -- %f"), ("filter.lfs.smudge", "git-lfs smudge -- %f"))
"""git-lfs writes files only where its filter is set up; it is for this one command."""


def bring(repository: Repository, address: Address, work_tree: Path, subdir: str) -> None:
    """Replace LFS pointers below ``subdir`` by their files.

    An LFS server is looked for only where the repository itself is: one named in ``.lfsconfig`` is not asked.

    Raises:
        SourceError: pointers remain.
    """
    folder = work_tree / subdir
    pointers = find_pointers(folder)
    if not pointers:
        return
    why = "git-lfs is not installed"
    if shutil.which("git-lfs"):
        why = _pull(repository, address, subdir) or "the server does not have them"
        pointers = find_pointers(folder)
    refuse_pointers(
        pointers, folder, why=why, hint="install git-lfs and check that the files are on the LFS server"
    )


def refuse_pointers(pointers: list[Path], folder: Path, *, why: str, hint: str) -> None:
    """Raise the error for ``pointers`` that are left in ``folder``; nothing happens when there are none."""
    if not pointers:
        return
    names = [_printable(pointer.relative_to(folder)) for pointer in pointers[:_NAMED]]
    more = f" and {len(pointers) - _NAMED} more" if len(pointers) > _NAMED else ""
    raise SourceError(f"Git LFS files are missing: {', '.join(names)}{more}", why=why, hint=hint)


def find_pointers(folder: Path) -> list[Path]:
    """Return all files below ``folder`` that are LFS pointers, in order; symbolic links are not followed."""
    return sorted(_pointers(os.fspath(folder)))


def _pointers(folder: str) -> Iterator[Path]:
    try:
        entries = os.scandir(folder)
    except PermissionError:
        return  # whoever reads the description says so
    with entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != ".git":
                    yield from _pointers(entry.path)
            elif entry.is_file(follow_symlinks=False) and _is_pointer(entry):
                yield Path(entry.path)


def _is_pointer(entry: os.DirEntry[str]) -> bool:
    if not len(_SPEC) < entry.stat(follow_symlinks=False).st_size < _POINTER_BYTES:
        return False
    try:
        with open(entry.path, "rb") as stream:  # noqa: PTH123 - thousands of files: no Path for each
            return stream.read(len(_SPEC)) == _SPEC
    except PermissionError:
        return False


def _pull(repository: Repository, address: Address, subdir: str) -> str | None:
    """Run ``git lfs pull``; return why it failed, None when it did not."""
    settings = [*_FILTER, ("remote.origin.url", address.url), ("lfs.locksverify", "false")]
    settings.append(("lfs.url", _server(address)))
    session = repository.session.configured(settings)
    session.say("fetching Git LFS files")
    only = [f"--include={subdir}"] if subdir != "." and re.fullmatch(r"[\w./ -]+", subdir) else []
    try:
        session.run("lfs", "pull", *only, "origin", cwd=Path(session.environment["GIT_WORK_TREE"]))
    except GitFault as fault:
        return fault.tail[-1] if fault.tail else f"git lfs ended with code {fault.returncode}"
    finally:
        shutil.rmtree(repository.git_dir / "lfs", ignore_errors=True)  # a second copy of each file
    return None


def _server(address: Address) -> str:
    """Return where the LFS files of a repository are by default (git-lfs-config(5), server discovery)."""
    if address.transport in {"https", "http"}:
        return address.url.rstrip("/").removesuffix(".git") + ".git/info/lfs"
    return Path(address.url).as_uri() if address.url.startswith("/") else address.url


def _printable(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
