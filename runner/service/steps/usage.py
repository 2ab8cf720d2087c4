# SPDX-License-Identifier: Apache-2.0
"""The processes of a step, and what they use of this machine, as the kernel tells."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

_PAGE = os.sysconf("SC_PAGE_SIZE")


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


def _look_at(pid: int) -> Process | None:
    """Read ``stat`` of proc(5); None when the process is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        fields = text.rpartition(")")[2].split()  # a name may have anything in it, and ends at the last bracket
        return Process(pid, parent=int(fields[1]), threads=int(fields[17]), memory=int(fields[21]) * _PAGE)
    except (OSError, IndexError):
        return None
