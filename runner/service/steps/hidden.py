# SPDX-License-Identifier: Apache-2.0
"""Bytes that processes hold where neither their own memory nor any folder shows them, as proc(5) tells."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from runner.service.steps.usage import Process

_BLOCK = 512
_GONE = " (deleted)"
_IN_MEMORY = "/memfd:"


class Hidden(NamedTuple):
    """Bytes of files in memory, and of files on disk that were removed and are still open."""

    memory: int
    disk: int


def hidden_of(family: Iterable[Process]) -> Hidden:
    """Return what ``family`` holds in a tmpfs of its own, in files of memfd_create(2) and in removed files.

    A process that ends meanwhile, or is not ours to look at, holds nothing.
    """
    memory: dict[tuple[int, int], int] = {}
    disk: dict[tuple[int, int], int] = {}
    for process in family:
        for path, target in _open_files(process.pid):
            if target.endswith(_GONE) and (status := _status(path)) is not None:
                kind = memory if target.startswith(_IN_MEMORY) else disk
                kind[status.st_dev, status.st_ino] = status.st_blocks * _BLOCK
    return Hidden(memory=sum(memory.values()) + sum(_tmpfs_of(family).values()), disk=sum(disk.values()))


def _open_files(pid: int) -> Iterator[tuple[str, str]]:
    """Yield links to the open files of a process, and what each is called."""
    try:
        links = list(os.scandir(f"/proc/{pid}/fd"))
    except OSError:
        return
    for link in links:
        try:
            yield link.path, str(Path(link.path).readlink())
        except OSError:
            continue


def _status(path: str) -> os.stat_result | None:
    try:
        return Path(path).stat()
    except OSError:
        return None


def _tmpfs_of(family: Iterable[Process]) -> dict[str, int]:
    """Return the bytes in each tmpfs that ``family`` sees and we do not, by its device number."""
    ours = dict(_tmpfs_seen_by("self"))
    found: dict[str, int] = {}
    for namespace, pid in {_namespace(process.pid): process.pid for process in family}.items():
        for device, path in _tmpfs_seen_by(str(pid)) if namespace else ():
            if device not in ours:
                found[device] = _bytes_in(path)
    return found


def _namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/mnt").readlink())
    except OSError:
        return ""


def _tmpfs_seen_by(pid: str) -> Iterator[tuple[str, str]]:
    """Yield the device number of each tmpfs that a process sees, and a path to it for us."""
    try:
        text = Path(f"/proc/{pid}/mountinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.split("\n"):  # names may have other line ends in them
        place, _, kind = line.partition(" - ")
        if kind.startswith("tmpfs "):
            _, _, device, _, path, *_ = place.split()
            yield device, f"/proc/{pid}/root{path}"


def _bytes_in(path: str) -> int:
    try:
        status = os.statvfs(path)
    except OSError:
        return 0
    return (status.f_blocks - status.f_bfree) * status.f_frsize
