# SPDX-License-Identifier: Apache-2.0
"""The items of a subvolume: its folders and files, their names, attributes and content."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from runner.create.walk import xattrs
from runner.disk.btrfs import format as fmt
from runner.disk.btrfs.content import store
from runner.disk.btrfs.format import Inode, Key
from runner.disk.btrfs.tree import LARGEST_ITEM, Item
from runner.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runner.disk.btrfs.places import Places, Volume
    from runner.disk.btrfs.space import DataArea, Extent

_KINDS = {
    stat.S_IFREG: fmt.FT_REGULAR,
    stat.S_IFDIR: fmt.FT_FOLDER,
    stat.S_IFCHR: fmt.FT_CHARACTER,
    stat.S_IFBLK: fmt.FT_BLOCK,
    stat.S_IFIFO: fmt.FT_FIFO,
    stat.S_IFSOCK: fmt.FT_SOCKET,
    stat.S_IFLNK: fmt.FT_LINK,
}
_DEVICES = frozenset({stat.S_IFCHR, stat.S_IFBLK})
_MINOR_BITS = 20
_FOLDER = stat.S_IFDIR | 0o755
LARGEST_INLINE = 2048
_FIRST_INDEX = 2
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Use:
    """Content that a file of a subvolume has at ``offset``."""

    owner: int
    inode: int
    offset: int
    extent: Extent


@dataclass(frozen=True, slots=True)
class Entrance:
    """Where a subvolume is to be found: in a folder of another one."""

    parent: int
    child: int
    folder: int
    index: int
    name: bytes


class VolumeWriter:
    """Collects the items of one subvolume."""

    def __init__(self, volume: Volume, places: Places, area: DataArea, epoch: int) -> None:
        self._volume, self._places, self._area, self._epoch = volume, places, area, epoch
        self._items: dict[Key, bytes] = {}
        self._inodes: dict[int, Inode] = {}
        self._linked: dict[tuple[int, int], int] = {}
        self.uses: list[Use] = []
        self.entrances: list[Entrance] = []

    def items(self) -> list[Item]:
        """Return all items in order, once everything is in."""
        packed = {Key(number, fmt.INODE_ITEM, 0): inode.packed() for number, inode in self._inodes.items()}
        return sorted((self._items | packed).items())

    def fill(self) -> None:
        """Take the whole subvolume in.

        Raises:
            BuildError: it does not fit, a file has too many names in one folder or too long attributes, or
                something is where a subvolume is to be.
        """
        number = self._inode(os.lstat(self._volume.source) if self._volume.source else None)
        self._add(Key(number, fmt.INODE_REF, number), fmt.inode_ref(0, b".."), self._volume.path)
        if self._volume.source:
            self._attributes(number, self._volume.source)
        self._folder(number, self._volume.path, self._volume.source)

    def _folder(self, number: int, path: bytes, source: bytes | None) -> None:
        """Take in what is in a folder; without ``source`` it holds nothing but subvolumes and ways to them."""
        own = set(os.listdir(source)) if source else set()  # noqa: PTH208  # names are bytes
        size = 0
        for index, name in enumerate(sorted(own | self._places.below(path)), start=_FIRST_INDEX):
            inside = path + b"/" + name if path else name
            entry = source + b"/" + name if source and name in own else None
            size += 2 * len(name)
            volume = self._places.volume_at(inside)
            if volume is not None:
                self._places.require_free(volume, entry)
                self._enter(number, index, name, volume.number)
            else:
                self._entry(number, index, name, inside, entry)
        self._inodes[number] = replace(self._inodes[number], size=size)

    def _enter(self, folder: int, index: int, name: bytes, volume: int) -> None:
        location = Key(volume, fmt.ROOT_ITEM, (1 << 64) - 1)
        self._name(folder, index, name, location, fmt.FT_FOLDER)
        self.entrances.append(Entrance(self._volume.number, volume, folder, index, name))

    def _entry(self, folder: int, index: int, name: bytes, inside: bytes, path: bytes | None) -> None:
        info = os.lstat(path) if path else None
        mode = info.st_mode if info else _FOLDER
        known = self._linked.get((info.st_dev, info.st_ino)) if info and info.st_nlink > 1 else None
        number = self._inode(info) if known is None else known
        if known is not None:
            self._inodes[known] = replace(self._inodes[known], names=self._inodes[known].names + 1)
        self._name(folder, index, name, Key(number, fmt.INODE_ITEM, 0), _KINDS[stat.S_IFMT(mode)])
        self._add(Key(number, fmt.INODE_REF, folder), fmt.inode_ref(index, name), inside)
        if known is not None:
            return
        if path:
            self._attributes(number, path)
        if stat.S_ISDIR(mode):
            self._folder(number, inside, None if path and self._places.is_elsewhere(path) else path)
        elif path and info:
            self._content(number, path, info)

    def _name(self, folder: int, index: int, name: bytes, location: Key, kind: int) -> None:
        entry = fmt.folder_entry(location, name, kind)
        self._add(Key(folder, fmt.DIR_ITEM, fmt.name_hash(name)), entry, name)
        self._items[Key(folder, fmt.DIR_INDEX, index)] = entry

    def _inode(self, info: os.stat_result | None) -> int:
        """Give a new inode its number, and what it has of ``info``; a folder of ours has none."""
        number = fmt.FIRST_FREE + len(self._inodes)
        flags = 0 if self._volume.copy_on_write else fmt.NODATACOW | fmt.NODATASUM
        if info is None:
            self._inodes[number] = Inode(_FOLDER, self._epoch, flags=flags)
            return number
        folder, device = stat.S_ISDIR(info.st_mode), stat.S_IFMT(info.st_mode) in _DEVICES
        if info.st_nlink > 1 and not folder:
            self._linked[info.st_dev, info.st_ino] = number
        self._inodes[number] = Inode(
            info.st_mode,
            self._epoch,
            uid=info.st_uid,
            gid=info.st_gid,
            device=os.major(info.st_rdev) << _MINOR_BITS | os.minor(info.st_rdev) if device else 0,
            flags=flags if folder or stat.S_ISREG(info.st_mode) else 0,
            mtime=min(info.st_mtime_ns, self._epoch * _SECOND),
        )
        return number

    def _attributes(self, number: int, path: bytes) -> None:
        for name, value in xattrs(path):
            entry = fmt.folder_entry(Key(0, 0, 0), name, fmt.FT_XATTR, value)
            self._add(Key(number, fmt.XATTR_ITEM, fmt.name_hash(name)), entry, path)

    def _content(self, number: int, path: bytes, info: os.stat_result) -> None:
        if stat.S_ISLNK(info.st_mode):
            self._inline(number, os.readlink(path))  # noqa: PTH115  # a path of bytes
        elif stat.S_ISREG(info.st_mode) and info.st_size:
            with open(path, "rb") as stream:  # noqa: PTH123  # a path of bytes
                if info.st_size <= LARGEST_INLINE:
                    self._inline(number, stream.read())
                    return
                pieces = store(stream, self._area, checked=self._volume.copy_on_write)
            self._extents(number, info.st_size, pieces)

    def _inline(self, number: int, data: bytes) -> None:
        self._items[Key(number, fmt.EXTENT_DATA, 0)] = fmt.inline_data(data)
        self._inodes[number] = replace(self._inodes[number], size=len(data), on_disk=len(data))

    def _extents(self, number: int, size: int, pieces: Sequence[tuple[int, Extent]]) -> None:
        for offset, extent in pieces:
            self._items[Key(number, fmt.EXTENT_DATA, offset)] = fmt.extent_data(extent.address, extent.size)
        kept = [Use(self._volume.number, number, offset, extent) for offset, extent in pieces if extent.address]
        self.uses += kept
        on_disk = sum(use.extent.size for use in kept)
        self._inodes[number] = replace(self._inodes[number], size=size, on_disk=on_disk)

    def _add(self, key: Key, data: bytes, what: bytes) -> None:
        """Add to an item that several names or attributes share."""
        whole = self._items.get(key, b"") + data
        if len(whole) > LARGEST_ITEM:
            raise BuildError(
                f"{os.fsdecode(what)} cannot be written into a btrfs filesystem",
                why="its attributes, or its names in one folder, are longer than a block of the filesystem",
                hint="leave some of them out, or use another filesystem",
            )
        self._items[key] = whole


def written(volume: Volume, places: Places, area: DataArea, epoch: int) -> VolumeWriter:
    """Return the writer of ``volume`` with everything in it."""
    writer = VolumeWriter(volume, places, area, epoch)
    writer.fill()
    return writer
