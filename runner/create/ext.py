# SPDX-License-Identifier: Apache-2.0
"""``ext2``, ``ext3``, ``ext4``: the tree as ``N.<type>``, a filesystem without partition table, never mounted.

mke2fs before 1.47.1 copies access and change times from the host and counts its own writes in the superblock. So
one debugfs script sets them afterwards, under the same fixed clock; newer versions get the same treatment. The
script also gives the root folder what mke2fs does not copy.
"""

from __future__ import annotations

import os
import stat
import struct
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runner.create.canonical import canonicalise
from runner.create.ext_size import INODE_SIZE, MEBIBYTE, layout, measure, too_small
from runner.create.image import filesystem_image
from runner.create.registry import Builder
from runner.create.walk import xattrs
from runner.errors import BuildError
from runner.process import run as run_tool
from runner.process import tool_environment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from runner.create.ext_size import Layout
    from runner.create.image import ResultFile
    from runner.create.inputs import CreateInputs
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


def run(inputs: CreateInputs, root: Path, stage: Path, *, sink: LineSink | None = None) -> tuple[ResultFile, ...]:
    """Pack ``root``; see :class:`runner.create.registry.Run`."""
    canonicalise(root, inputs.epoch, sink)
    chosen = layout(measure(root), inputs.type.size)
    path = stage / f"{inputs.stem}.{inputs.type.image}"
    with tempfile.TemporaryDirectory(prefix=".ext-", dir=stage) as scratch:
        config = Path(scratch) / "mke2fs.conf"
        config.write_text(CONFIG, encoding="ascii")
        environment = tool_environment(
            {
                "E2FSPROGS_FAKE_TIME": str(inputs.epoch),
                "SOURCE_DATE_EPOCH": str(inputs.epoch),
                "MKE2FS_CONFIG": str(config),
            }
        )
        command = mke2fs_command(inputs, chosen, root, path)
        _make(command, path, chosen.size, environment, sink)
        script = Path(scratch) / "debugfs"
        script.write_text("\n".join(_script(inputs, root, path, Path(scratch))) + "\n", encoding="ascii")
        _edit(path, script, environment)
    return (filesystem_image(path),)


def mke2fs_command(inputs: CreateInputs, chosen: Layout, root: Path, path: Path) -> tuple[str | Path, ...]:
    """Return the call of mke2fs that fills the empty file at ``path`` with the tree at ``root``."""
    asked, extended = split_extended(inputs.type.fscreateoptions)
    extended = (
        f"hash_seed={inputs.uuid('ext hash seed')}",
        "root_owner=0:0",
        "lazy_itable_init=0",
        "lazy_journal_init=0",
        *extended,
    )
    options = ("-q", "-F", "-t", inputs.type.image, "-b", "4096", "-I", str(INODE_SIZE), "-N", str(chosen.inodes))
    named = ("-L", inputs.type.rootfs_label, "-U", inputs.uuid("ext uuid"), "-d", root)
    return ("mke2fs", *options, *named, *asked, "-E", ",".join(extended), path)


def _make(
    command: tuple[str | Path, ...], path: Path, size: int, environment: Mapping[str, str], sink: LineSink | None
) -> None:
    with path.open("xb") as file:
        file.truncate(size)
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


def _script(inputs: CreateInputs, root: Path, path: Path, scratch: Path) -> Iterator[str]:
    """Yield the debugfs commands. Inodes go by number: names need no quoting and no look-up."""
    epoch = f"@{inputs.epoch}"
    yield from _root_folder(root, scratch)
    for inode in (_ROOT_INODE, *range(_FIRST_INODE, _used_inodes(path) + 1)):
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


def _used_inodes(path: Path) -> int:
    """Return the number of the last inode in use: mke2fs fills a new filesystem without gaps."""
    with path.open("rb") as image:
        image.seek(_SUPERBLOCK)
        inodes, _, _, _, free = struct.unpack("<5I", image.read(20))
    return int(inodes - free)


def _edit(path: Path, script: Path, environment: Mapping[str, str]) -> None:
    """Run ``script`` over the image. debugfs exits with 0 whatever happens: any word of complaint is a failure."""
    done = run_tool(("debugfs", "-w", "-f", script, path), env=environment, what="debugfs")
    complaints = [line for line in done.tail if line.strip() and not line.startswith("debugfs ")]
    if complaints:
        raise BuildError("debugfs could not edit the new filesystem", log_tail=complaints)


BUILDER = Builder(version=1, tools=("debugfs", "mke2fs"), run=run)
