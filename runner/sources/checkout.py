# SPDX-License-Identifier: Apache-2.0
"""The first value of the line: a work tree at one commit and the description's folder in it."""

from __future__ import annotations

from pathlib import Path

import msgspec


class Checkout(msgspec.Struct, frozen=True, kw_only=True):
    """Where a description came from, and where it lies now.

    Attributes:
        url: repository URL or path as given, credentials stripped.
        ref: the ref as asked for; None when the remote's HEAD was taken or the source is a plain path.
        resolved_ref: full name of the ref (``refs/heads/main``, ``refs/tags/v1``), None for a bare commit.
        commit: full commit id, None for a path outside any repository.
        tree: git tree id of ``subdir`` at ``commit``; None without a commit.
        commit_time: committer time in seconds since 1970, None without a commit.
        dirty: a path source whose folder differs from ``commit``.
        work_tree: top folder of the checkout on this machine.
        subdir: folder of the description relative to ``work_tree``, ``.`` for the top.
    """

    url: str
    ref: str | None
    resolved_ref: str | None
    commit: str | None
    tree: str | None
    commit_time: int | None
    dirty: bool
    work_tree: Path
    subdir: str = "."

    @property
    def directory(self) -> Path:
        """The folder that holds the description."""
        return self.work_tree / self.subdir
