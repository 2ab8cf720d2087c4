# SPDX-License-Identifier: Apache-2.0
"""Watch a process and all it starts for loop devices and for mounts of images."""

from __future__ import annotations

import contextlib
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PROC = Path("/proc")
_INTERVAL = 0.02
_NO_DEVICE = "0:"
"""Filesystems that are on no block device have a major number of 0."""

_HIDE = """\
for path in /dev/loop* /dev/mapper/control; do
    [ ! -e "$path" ] || mount --bind /dev/null "$path"
done
exec "$@"
"""
WITHOUT_LOOP_DEVICES = ("unshare", "--mount", "--propagation", "private", "--", "sh", "-ec", _HIDE, "sh")
"""The program that runs another one where nobody can have a loop device, and nothing of the device mapper."""


@dataclass(slots=True)
class Seen:
    """What there was: files behind loop devices, mounts of what may be an image, and kinds of other mounts."""

    loops: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)


@contextmanager
def watching(pid: int) -> Iterator[Seen]:
    """Look again and again at ``pid`` and its descendants while the block runs.

    Loop devices belong to the whole machine: those that were there before do not count.
    """
    seen, done = Seen(), threading.Event()
    loops, known = _loops(), _devices((_PROC / "self/mountinfo").read_text())

    def look() -> None:
        while not done.wait(_INTERVAL):
            seen.loops |= _loops() - loops
            for text in _mounts(_family(pid)):
                for line in text.splitlines():
                    _judge(line, known, seen)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        done.set()
        thread.join()


def _judge(line: str, known: set[str], seen: Seen) -> None:
    """Note one line of a mountinfo; see proc_pid_mountinfo(5)."""
    device = line.split()[2]
    kind = line.partition(" - ")[2].split()[0]
    if kind.startswith("fuse") or not (device.startswith(_NO_DEVICE) or device in known):
        seen.images.add(line)
    seen.kinds.add(kind)


def _devices(mountinfo: str) -> set[str]:
    return {line.split()[2] for line in mountinfo.splitlines()}


def _loops() -> set[str]:
    found = set()
    for path in Path("/sys/block").glob("loop*/loop/backing_file"):
        with contextlib.suppress(OSError):
            found.add(path.read_text().strip())
    return found


def _family(pid: int) -> set[int]:
    """Return ``pid`` and its descendants."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, todo = set[int](), [pid]
    while todo:
        found.add(each := todo.pop())
        todo += children.get(each, [])
    return found


def _mounts(pids: set[int]) -> Iterator[str]:
    """Yield the mountinfo of every mount namespace in which one of ``pids`` is."""
    spaces = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            space = (_PROC / str(pid) / "ns/mnt").readlink()
            if space not in spaces:
                spaces.add(space)
                yield (_PROC / str(pid) / "mountinfo").read_text()
