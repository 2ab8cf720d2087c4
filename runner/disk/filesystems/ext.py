# SPDX-License-Identifier: Apache-2.0
"""ext2, ext3 and ext4: filled from a tree, never mounted.

mke2fs before 1.47.1 copies access and change times from the host and counts its own writes in the superblock. So
one debugfs script sets them afterwards, under the same fixed clock; newer versions get the same treatment. The
script also gives the root folder what mke2fs does not copy.
"""

from __future__ import annotations

import os
import stat
import struct
from typing import TYPE_CHECKING

from runner.create.walk import xattrs
from runner.disk.filesystems.api import Filesystem
from runner.disk.filesystems.ext_size import (
    BLOCK,
    INODE_SIZE,
    MEBIBYTE,
    inode_count,
    least_size,
    measure,
    too_small,
)
from runner.errors import BuildError
from runner.process import run as run_tool
from runner.process import tool_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from runner.disk.filesystems.api import FilesystemSpec, Place
    from runner.process import LineSink

CONFIG = """\
[defaults]
	base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
	default_mntopts = acl,user_xattr
	enable_periodic_fsck = 0
	blocksize = 4096
	inode_size = 256
	inode_ratio = 16384

[fs_types]
	ext2 = {
	}
	ext3 = {
		features = has_journal
	}
	ext4 = {
		features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
	}
	floppy = {
	}
	small = {
	}
	big = {
	}
	huge = {
	}
"""
"""Our own mke2fs.conf: the host's decides nothing. Features that every boot loader and kernel in use reads."""

_ROOT_INODE = 2
_FIRST_INODE = 11
_SUPERBLOCK = 1024
_FULL = "Could not allocate"


def need(spec: FilesystemSpec, root: Path, scratch: Path) -> int:  # noqa: ARG001  # as all filesystems
    """See :class:`runner.disk.filesystems.api.Need`."""
    return least_size(measure(root))


def write(spec: FilesystemSpec, root: Path, place: Place, *, scratch: Path, sink: LineSink | None = None) -> None:
    """See :class:`runner.disk.filesystems.api.Write`."""
    write_sized(spec, root, place, inode_count(measure(root)), scratch=scratch, sink=sink)


def write_sized(  # the values of one filesystem
    spec: FilesystemSpec, root: Path, place: Place, inodes: int, *, scratch: Path, sink: LineSink | None = None
) -> None:
    """Write a filesystem with so many ``inodes``."""
    config = scratch / "mke2fs.conf"
    config.write_text(CONFIG, encoding="ascii")
    environment = tool_environment(
        {
            "E2FSPROGS_FAKE_TIME": str(spec.epoch),
            "SOURCE_DATE_EPOCH": str(spec.epoch),
            "MKE2FS_CONFIG": str(config),
        }
    )
    _make(_mke2fs(spec, root, place, inodes), place.size, environment, sink)
    script = scratch / "debugfs"
    script.write_text("\n".join(_script(spec, root, place, scratch)) + "\n", encoding="ascii")
    _edit(place, script, environment)


def _mke2fs(spec: FilesystemSpec, root: Path, place: Place, inodes: int) -> tuple[str | Path, ...]:
    asked, extended = split_extended(spec.options)
    extended = (
        f"hash_seed={spec.hash_uuid}",
        "root_owner=0:0",
        "lazy_itable_init=0",
        "lazy_journal_init=0",
        *((f"offset={place.offset}",) if place.offset else ()),
        *extended,
    )
    options = ("-q", "-F", "-t", spec.kind, "-b", str(BLOCK), "-I", str(INODE_SIZE), "-N", str(inodes))
    named = ("-L", spec.label, "-U", spec.uuid, "-d", root)
    return ("mke2fs", *options, *named, *asked, "-E", ",".join(extended), place.file, str(place.size // BLOCK))


def _make(
    command: tuple[str | Path, ...], size: int, environment: Mapping[str, str], sink: LineSink | None
) -> None:
    try:
        run_tool(command, env=environment, sink=sink, what="mke2fs")
    except BuildError as error:
        if any(_FULL in line for line in error.log_tail):  # the estimate was short of what mke2fs takes
            raise too_small(size, size + MEBIBYTE) from error
        raise


def split_extended(options: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return ``options`` without ``-E``, and the values of all ``-E``.

    Before e2fsprogs 1.47.4 only the last ``-E`` counts, so mke2fs must get exactly one.
    """
    rest: list[str] = []
    extended: list[str] = []
    words = iter(options)
    for word in words:
        if word == "-E":
            extended += next(words, "").split(",")
        elif word.startswith("-E"):
            extended += word[2:].split(",")
        else:
            rest.append(word)
    return tuple(rest), tuple(value for value in extended if value)


def _script(spec: FilesystemSpec, root: Path, place: Place, scratch: Path) -> Iterator[str]:
    """Yield the debugfs commands. Inodes go by number: names need no quoting and no look-up."""
    epoch = f"@{spec.epoch}"
    yield from _root_folder(root, scratch)
    for inode in (_ROOT_INODE, *range(_FIRST_INODE, _used_inodes(place) + 1)):
        yield f"sif <{inode}> atime {epoch}"
        yield f"sif <{inode}> ctime {epoch}"
    for field in ("lastcheck", "mkfs_time", "wtime"):
        yield f"ssv {field} {epoch}"
    yield "ssv kbytes_written 0"


def _root_folder(root: Path, scratch: Path) -> Iterator[str]:
    info = root.lstat()
    yield f"sif <{_ROOT_INODE}> mode 0{stat.S_IFDIR | stat.S_IMODE(info.st_mode):o}"
    yield f"sif <{_ROOT_INODE}> uid {info.st_uid}"
    yield f"sif <{_ROOT_INODE}> gid {info.st_gid}"
    yield f"sif <{_ROOT_INODE}> mtime @{info.st_mtime_ns // 1_000_000_000}"
    for number, (name, value) in enumerate(xattrs(os.fsencode(root))):
        file = scratch / f"xattr{number}"
        file.write_bytes(value)
        yield f'ea_set -f "{file}" <{_ROOT_INODE}> "{os.fsdecode(name)}"'


def _used_inodes(place: Place) -> int:
    """Return the number of the last inode in use: mke2fs fills a new filesystem without gaps."""
    with place.file.open("rb") as image:
        image.seek(place.offset + _SUPERBLOCK)
        inodes, _, _, _, free = struct.unpack("<5I", image.read(20))
    return int(inodes - free)


def _edit(place: Place, script: Path, environment: Mapping[str, str]) -> None:
    """Run ``script`` over the image. debugfs exits with 0 whatever happens: any word of complaint is a failure."""
    image = f"{place.file}?offset={place.offset}" if place.offset else place.file
    done = run_tool(("debugfs", "-w", "-f", script, image), env=environment, what="debugfs")
    complaints = [line for line in done.tail if line.strip() and not line.startswith("debugfs ")]
    if complaints:
        raise BuildError("debugfs could not edit the new filesystem", log_tail=complaints)


FILESYSTEM = Filesystem(version=1, tools=("debugfs", "mke2fs"), need=need, write=write)
