# SPDX-License-Identifier: Apache-2.0
"""What a step uses of this machine, as the kernel tells: processes with their memory, and disk of its folders."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_PAGE = os.sysconf("SC_PAGE_SIZE")
_BLOCK = 512


class Process(NamedTuple):
    """One of the machine: its id and its parent's, how many threads it has, the bytes in memory for it."""

    pid: int
    parent: int
    threads: int
    memory: int


def family_of(pid: int) -> list[Process]:
    """Return the process ``pid`` and all its descendants, whatever sessions and namespaces they are in.

    What several of them share counts as the memory of each, so the sum is rather too much than too little.
    """
    children: dict[int, list[Process]] = {}
    waiting: list[Process] = []
    for entry in os.scandir("/proc"):
        process = _look_at(int(entry.name)) if entry.name.isdigit() else None
        if process is not None:
            children.setdefault(process.parent, []).append(process)
            waiting += [process] if process.pid == pid else []
    found = []
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1].pid, [])
    return found


def disk_of(folders: Iterable[Path]) -> int:
    """Return the bytes that everything below ``folders`` takes on disk; what goes meanwhile does not count."""
    return sum(_size(Path(parent), names) for folder in folders for parent, _, names in os.walk(folder))


def _look_at(pid: int) -> Process | None:
    """Read ``stat`` of proc(5); None when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # a name may have anything in it, and ends at the last bracket
    return Process(pid, parent=int(fields[1]), threads=int(fields[17]), memory=int(fields[21]) * _PAGE)


def _size(parent: Path, names: Iterable[str]) -> int:
    total = 0
    for name in names:
        try:
            total += (parent / name).lstat().st_blocks * _BLOCK
        except OSError:
            continue
    return total
