# SPDX-License-Identifier: Apache-2.0
"""The protofile from which mkfs.xfs fills a filesystem.

It gives structure and content alone: owners, modes, times, attributes and links are set afterwards by
:mod:`runner.disk.filesystems.xfs_finish`.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runner.create.walk import walk
from runner.disk.filesystems.xfs_names import readable, stand_in
from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.walk import Entry

_HEAD = b"/none\n0 0\n"
_FOLDER = b"d--755 0 0"
_END = b"$"
_TREE, _EMPTY, _LINKS = "tree", "empty", "links"
_NODES = {stat.S_IFCHR: b"c", stat.S_IFBLK: b"b"}


@dataclass(frozen=True, slots=True)
class Node:
    """An entry of the tree as mkfs.xfs is told of it.

    Attributes:
        given: the name in its folder that mkfs.xfs is given.
        target: of a link, as it is to be; empty where mkfs.xfs can be given it.
        first: index of the node that is the same file under an earlier name.
    """

    entry: Entry
    given: bytes
    target: bytes = b""
    first: int | None = None

    @property
    def parent(self) -> bytes:
        return self.entry.name.rpartition(b"/")[0]

    @property
    def name(self) -> bytes:
        return self.entry.name.rpartition(b"/")[2]


def nodes_of(root: Path) -> tuple[Node, ...]:
    """Return everything below ``root`` in the order of the protofile.

    Raises:
        BuildError: mkfs.xfs cannot be given a file, which is named.
    """
    found: list[Node] = []
    seen: dict[tuple[int, int], int] = {}
    taken: set[tuple[bytes, bytes]] = set()
    for entry in walk(root):
        identity = (entry.stat.st_dev, entry.stat.st_ino)
        linked = entry.stat.st_nlink > 1 and not entry.is_dir
        first = seen.get(identity) if linked else None
        if linked:
            seen.setdefault(identity, len(found))
        parent, _, name = entry.name.rpartition(b"/")
        target = os.readlink(entry.path) if entry.is_link else b""  # noqa: PTH115  # a path of bytes
        node = Node(entry, stand_in(name), b"" if readable(target) else target, first)
        if stat.S_ISSOCK(entry.stat.st_mode) or (parent, node.given) in taken:
            raise _refused(entry)
        taken.add((parent, node.given))
        found.append(node)
    return tuple(found)


def _refused(entry: Entry) -> BuildError:
    return BuildError(
        f"{os.fsdecode(entry.name)} cannot be written into an XFS filesystem",
        why="mkfs.xfs has no way to be given it",
        hint="leave it out, rename it, or use another filesystem",
    )


def write_protofile(nodes: tuple[Node, ...], root: Path, folder: Path) -> Path:
    """Write into the empty ``folder`` the protofile of ``nodes`` and what it refers to.

    mkfs.xfs must run in ``folder``: content is named relative to it, through links where a path has spaces.
    """
    (folder / _TREE).symlink_to(root)
    (folder / _EMPTY).touch()
    (folder / _LINKS).mkdir()
    lines, opened = [_FOLDER], [b""]
    for number, node in enumerate(nodes):
        while opened[-1] != node.parent:
            opened.pop()
            lines.append(_END)
        lines.append(node.given + b" " + _content(node, number, folder))
        if node.entry.is_dir:
            opened.append(node.entry.name)
    lines += [_END] * len(opened)
    path = folder / "protofile"
    path.write_bytes(_HEAD + b"\n".join(lines) + b"\n")
    return path


def _content(node: Node, number: int, folder: Path) -> bytes:
    info = node.entry.stat
    if node.entry.is_dir:
        return _FOLDER
    if node.entry.is_link:
        target = os.readlink(node.entry.path)  # noqa: PTH115  # a path of bytes
        return b"l--777 0 0 " + (b"x" * len(target) if node.target else target)
    if stat.S_ISFIFO(info.st_mode):
        return b"p--644 0 0"
    if not node.entry.is_file:
        device = f"{os.major(info.st_rdev)} {os.minor(info.st_rdev)}".encode()
        return _NODES[stat.S_IFMT(info.st_mode)] + b"--644 0 0 " + device
    return b"---644 0 0 " + _source(node, number, folder)


def _source(node: Node, number: int, folder: Path) -> bytes:
    if node.first is not None or not node.entry.stat.st_size:
        return _EMPTY.encode()
    name = _TREE.encode() + b"/" + node.entry.name
    if readable(name):
        return name
    link = folder / _LINKS / str(number)
    link.symlink_to(os.fsdecode(node.entry.path))
    return f"{_LINKS}/{number}".encode()
