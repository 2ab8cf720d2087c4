# SPDX-License-Identifier: Apache-2.0
"""What a step uses of this machine, as the kernel tells: memory of all its processes, and disk of its folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PAGE = os.sysconf("SC_PAGE_SIZE")
_BLOCK = 512


def memory_of(pid: int) -> int:
    """Return the bytes in memory of the process ``pid`` and all its descendants (proc(5), ``statm``).

    What several of them share counts for each, so this is rather too much than too little.
    """
    return sum(_resident(one) for one in _family(pid))


def disk_of(folders: Iterable[Path]) -> int:
    """Return the bytes that everything below ``folders`` takes on disk; what goes meanwhile does not count."""
    return sum(_size(Path(parent), names) for folder in folders for parent, _, names in os.walk(folder))


def _family(pid: int) -> Iterator[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            parents.setdefault(_parent(entry), []).append(int(entry.name))
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += parents.get(one, [])


def _parent(entry: Path) -> int:
    try:
        text = (entry / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    return int(text.rpartition(")")[2].split()[1])  # a name may have anything in it, and ends at the last bracket


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _size(parent: Path, names: Iterable[str]) -> int:
    total = 0
    for name in names:
        try:
            total += (parent / name).lstat().st_blocks * _BLOCK
        except OSError:
            continue
    return total
