# SPDX-License-Identifier: Apache-2.0
"""Take out of a throw-away tree what never belongs into a result: KIWI's leftovers and run-time content."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.prepare.tree import KIWI_LEFTOVERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.plan.model import TypePlan

_VIRTUAL = ("dev", "proc", "sys")
_TEMPORARY = ("run", "tmp")
_SHARED_CACHE = ("var", "cache", "kiwi")
CONTAINERS = ("docker", "oci")


def strip_for_image(root: Path, plan: TypePlan) -> None:
    """Delete in place what a result of type ``plan`` leaves out of the tree at ``root``.

    KIWI's leftovers and its package cache go; ``dev``, ``proc``, ``sys``, ``run`` and ``tmp`` stay as empty
    folders (a container keeps the last two as they are with ``ensure_empty_tmpdirs="false"``). Links are
    never followed. Folders keep the times they had, so that a result does not tell what was in them.
    """
    keep_temporary = plan.image in CONTAINERS and not plan.ensure_empty_tmpdirs
    with _times_kept(root):
        for name in KIWI_LEFTOVERS:
            _delete(root / name)
    for name in _VIRTUAL if keep_temporary else _VIRTUAL + _TEMPORARY:
        _empty(root / name)
    _delete_cache(root)


def _delete_cache(root: Path) -> None:
    folder = root
    for part in _SHARED_CACHE[:-1]:
        folder /= part
        if not _is_folder(folder):
            return
    if os.path.lexists(folder / _SHARED_CACHE[-1]):
        remove(folder / _SHARED_CACHE[-1])


def remove(path: Path) -> None:
    """Delete ``path`` with all below it; the folder it is in keeps its times."""
    with _times_kept(path.parent):
        _delete(path)


def _empty(folder: Path) -> None:
    if not _is_folder(folder):
        return
    with _times_kept(folder):
        for item in list(folder.iterdir()):
            _delete(item)


def _delete(path: Path) -> None:
    if _is_folder(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except FileNotFoundError:
        return False


@contextmanager
def _times_kept(folder: Path) -> Iterator[None]:
    before = folder.lstat()
    yield
    if folder.lstat().st_mtime_ns != before.st_mtime_ns:
        os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))
