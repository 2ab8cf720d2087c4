# SPDX-License-Identifier: Apache-2.0
"""Files with several names on overlayfs: a change under one name has to show under all of them.

overlayfs copies a file up under the one name that is written to, and leaves its other names as they were (kernel
documentation, filesystems/overlayfs.rst, "Non-standard behavior"); its ``index`` would mend that for one mount
only, not for the later ones that have the upper folder below. A plain copy of the tree has no such fault. So that
both give the same tree, all names are copied up together before anybody may write.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from runner.create.walk import walk

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1
_BESIDE = ".packhouse-link"


def join(tree: Path) -> None:
    """Make the names of each file in ``tree``, a writable overlay, names of one file of its upper layer.

    Costs one ``lstat`` a file, and a copy of the few files that have several names. Times of folders stay.
    """
    for first, *others in _names(tree):
        # Any change of attributes copies the file up, even to the same value; one of the owner could cost bits.
        _set_times(first, first.lstat())
        for other in others:
            _link(first, other)


def _names(tree: Path) -> Iterator[list[Path]]:
    """The names of each file that has several in ``tree``, in the order of the walk."""
    found: defaultdict[tuple[int, int], list[Path]] = defaultdict(list)
    for entry in walk(tree):
        if entry.stat.st_nlink > 1 and not entry.is_dir:
            found[entry.stat.st_dev, entry.stat.st_ino].append(Path(os.fsdecode(entry.path)))
    return (paths for paths in found.values() if len(paths) > 1)


def _link(path: Path, name: Path) -> None:
    before = name.parent.lstat()
    beside = name.with_name(_BESIDE)
    os.link(path, beside, follow_symlinks=False)
    beside.replace(name)
    _set_times(name.parent, before)


def _set_times(path: Path, times: os.stat_result) -> None:
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns), follow_symlinks=False)
