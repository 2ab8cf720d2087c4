# SPDX-License-Identifier: Apache-2.0
"""A tar stream that depends on content alone: same tree, same bytes.

Format: POSIX.1-2017 pax interchange (``pax`` utility, "Extended Description") over ustar. Compared with common
writers: owners are numbers with empty names, times are whole seconds, pax headers carry one constant name and
sorted records, there is no atime or ctime, extended attributes are sorted (``SCHILY.xattr.*``, as GNU tar and
libarchive read them), and further links to a file refer to its first name.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from runner.create.walk import walk, xattrs
from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.walk import Entry

BLOCK = 512
_READ = 1 << 20
_END = bytes(2 * BLOCK)
_MAX_NAME = 100
_MAX_ID = 0o7777777
_MAX_SIZE = 0o77777777777
_PAX_NAME = b"././@PaxHeader"

_TYPES = {
    stat.S_IFREG: b"0",
    stat.S_IFLNK: b"2",
    stat.S_IFCHR: b"3",
    stat.S_IFBLK: b"4",
    stat.S_IFDIR: b"5",
    stat.S_IFIFO: b"6",
}
_HARD_LINK = b"1"


class Sink(Protocol):
    """Where the stream goes."""

    def write(self, data: bytes | memoryview, /) -> object: ...


@dataclass(frozen=True, slots=True)
class Member:
    """One header: what tar says about a name. ``mtime`` in whole seconds, ``size`` in bytes."""

    name: bytes
    kind: bytes = b"0"
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size: int = 0
    mtime: int = 0
    link: bytes = b""
    device: tuple[int, int] = (0, 0)
    xattrs: tuple[tuple[bytes, bytes], ...] = ()


def header(member: Member) -> bytes:
    """Return the ustar header of ``member``, after a pax header for what does not fit into one."""
    records = _pax_records(member)
    fields = _ustar(
        name=member.name[:_MAX_NAME],
        kind=member.kind,
        mode=member.mode,
        uid=member.uid if member.uid <= _MAX_ID else 0,
        gid=member.gid if member.gid <= _MAX_ID else 0,
        size=member.size if member.size <= _MAX_SIZE else 0,
        mtime=member.mtime if 0 <= member.mtime <= _MAX_SIZE else 0,
        link=member.link[:_MAX_NAME],
        device=member.device,
    )
    if not records:
        return fields
    body = b"".join(_record(key, value) for key, value in records)
    return _ustar(name=_PAX_NAME, kind=b"x", size=len(body)) + body + padding(len(body)) + fields


def padding(size: int) -> bytes:
    """Return the zeros that fill ``size`` bytes up to a whole block."""
    return bytes(-size % BLOCK)


def _pax_records(member: Member) -> list[tuple[bytes, bytes]]:
    records = [(b"SCHILY.xattr." + _escaped(name), value) for name, value in member.xattrs]
    texts = {b"path": member.name, b"linkpath": member.link}
    long = {key: text for key, text in texts.items() if len(text) > _MAX_NAME}
    records += long.items()
    numbers = {b"uid": (member.uid, _MAX_ID), b"gid": (member.gid, _MAX_ID), b"size": (member.size, _MAX_SIZE)}
    records += [(key, b"%d" % value) for key, (value, limit) in numbers.items() if value > limit]
    if not 0 <= member.mtime <= _MAX_SIZE:
        records.append((b"mtime", b"%d" % member.mtime))
    records.sort()
    if not all(_is_utf8(text) for text in long.values()):
        records.insert(0, (b"hdrcharset", b"BINARY"))
    return records


def _escaped(name: bytes) -> bytes:
    """Encode an attribute name as GNU tar does: ``=`` ends the keyword of a pax record."""
    return name.replace(b"%", b"%25").replace(b"=", b"%3D")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _record(key: bytes, value: bytes) -> bytes:
    """Encode ``LENGTH KEY=VALUE`` and a line feed, where the length counts its own digits."""
    bare = len(key) + len(value) + 3
    length = bare + len(str(bare))
    length = bare + len(str(length))
    return b"%d %b=%b\n" % (length, key, value)


def _ustar(
    *,
    name: bytes,
    kind: bytes,
    size: int,
    mode: int = 0o644,
    uid: int = 0,
    gid: int = 0,
    mtime: int = 0,
    link: bytes = b"",
    device: tuple[int, int] = (0, 0),
) -> bytes:
    head = b"%b%07o\0%07o\0%07o\0%011o\0%011o\0" % (name.ljust(100, b"\0"), mode, uid, gid, size, mtime)
    tail = b"%b%bustar\00000%b%07o\0%07o\0" % (kind, link.ljust(100, b"\0"), bytes(64), *device)
    checksum = sum(head) + 8 * 0x20 + sum(tail)
    return (head + b"%06o\0 " % checksum + tail).ljust(BLOCK, b"\0")


@dataclass(slots=True)
class TarWriter:
    """Writes members in the order they come. No time in the stream is later than ``epoch``."""

    sink: Sink
    epoch: int
    _first_names: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def add_tree(self, root: Path) -> None:
        """Add everything below ``root``, in the order of :func:`runner.create.walk.walk`. Sockets are left out."""
        for entry in walk(root):
            self._add_entry(entry)

    def add_bytes(self, name: str, content: bytes) -> None:
        """Add a file owned by root with mode 0644 and the epoch as its time."""
        self.sink.write(header(Member(os.fsencode(name), size=len(content), mtime=self.epoch)))
        self.sink.write(content + padding(len(content)))

    def add_file(self, name: str, path: Path) -> None:
        """Add the content of the file at ``path`` as :meth:`add_bytes` does."""
        size = path.stat().st_size
        self.sink.write(header(Member(os.fsencode(name), size=size, mtime=self.epoch)))
        self._copy(os.fsencode(path), size)

    def add_folder(self, name: str) -> None:
        """Add a folder owned by root with mode 0755."""
        self.sink.write(header(Member(os.fsencode(name) + b"/", b"5", mode=0o755, mtime=self.epoch)))

    def close(self) -> None:
        """Write the end of the archive; the sink stays open."""
        self.sink.write(_END)

    def _add_entry(self, entry: Entry) -> None:
        info = entry.stat
        kind = _TYPES.get(stat.S_IFMT(info.st_mode))
        if kind is None:
            return
        size, link = 0, b""
        attributes: tuple[tuple[bytes, bytes], ...] = ()
        first = self._first_name(entry)
        if first is not None:
            kind, link = _HARD_LINK, first
        else:
            attributes = tuple(xattrs(entry.path))
            size = info.st_size if entry.is_file else 0
            link = os.readlink(entry.path) if entry.is_link else b""  # noqa: PTH115 - bytes
        member = Member(
            name=entry.name + b"/" if entry.is_dir else entry.name,
            kind=kind,
            mode=stat.S_IMODE(info.st_mode),
            uid=info.st_uid,
            gid=info.st_gid,
            size=size,
            mtime=min(info.st_mtime_ns // 1_000_000_000, self.epoch),
            link=link,
            device=_device(info),
            xattrs=attributes,
        )
        self.sink.write(header(member))
        if size:
            self._copy(entry.path, size)

    def _first_name(self, entry: Entry) -> bytes | None:
        """Return the name under which this file is in the archive already, if it is."""
        if entry.stat.st_nlink < 2 or entry.is_dir:  # noqa: PLR2004 - a file with one name
            return None
        first = self._first_names.setdefault((entry.stat.st_dev, entry.stat.st_ino), entry.name)
        return None if first is entry.name else first

    def _copy(self, path: bytes, size: int) -> None:
        """Write exactly ``size`` bytes of the file at ``path``, padded."""
        left = size
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            while left:
                data = os.read(handle, min(left, _READ))
                if not data:
                    break
                left -= len(data)
                self.sink.write(data)
            changed = left > 0 or os.read(handle, 1) != b""
        finally:
            os.close(handle)
        if changed:
            raise BuildError(f"{os.fsdecode(path)} changed while it was packed", why="its size is not the same")
        if size % BLOCK:
            self.sink.write(padding(size))


def _device(info: os.stat_result) -> tuple[int, int]:
    if stat.S_ISCHR(info.st_mode) or stat.S_ISBLK(info.st_mode):
        return os.major(info.st_rdev), os.minor(info.st_rdev)
    return 0, 0
