# SPDX-License-Identifier: Apache-2.0
"""Compress an initrd ourselves, with zstd, where its kernel can read that.

Generators take the best of the programs that the image happens to have: without zstd in it that is ``gzip -9``,
which takes most of the time of a whole build and gives a larger file. Formats: the kernel's
``Documentation/driver-api/early-userspace/buffer-format.rst``.
"""

from __future__ import annotations

import os
import re
import shutil
from typing import IO, TYPE_CHECKING

from runner.errors import BuildError
from runner.prepare.paths import TreePaths

if TYPE_CHECKING:
    from pathlib import Path

_CONFIGS = ("boot/config-{}", "usr/lib/modules/{}/config", "lib/modules/{}/config")
_OPTION = b"CONFIG_RD_ZSTD=y"

_LEVEL = 9
_HEADER_SIZE = 110
_HEADER = re.compile(
    rb"070701(?:[0-9A-Fa-f]{8}){6}([0-9A-Fa-f]{8})(?:[0-9A-Fa-f]{8}){4}([0-9A-Fa-f]{8})[0-9A-Fa-f]{8}"
)
"""Header of cpio's "newc": a magic and 13 hexadecimal numbers, of which the sizes of file and name count here."""

_LAST = b"TRAILER!!!"
_EARLY = b"early_cpio"
_PART = 512


def reads_zstd(root: Path, version: str) -> bool:
    """Tell whether the kernel ``version`` of the tree at ``root`` can read an initrd compressed with zstd."""
    for name in _CONFIGS:
        path = TreePaths(root).resolve(name.format(version))
        if path.is_file():
            return _OPTION in path.read_bytes().splitlines()
    return False


def compressor() -> str:
    """Return what decides the bytes that :func:`compress` writes."""
    import zstandard  # only disks need it

    return f"zstd {'.'.join(map(str, zstandard.ZSTD_VERSION))} -{_LEVEL}"


def compress(path: Path) -> None:
    """Compress the uncompressed initrd at ``path`` in place.

    What the kernel reads before it can decompress anything, as new microcode, stays as it is at the start.

    Raises:
        BuildError: it is no cpio archive.
    """
    import zstandard  # only disks need it

    # With worker threads the bytes do not depend on how many there are; without any they are others.
    compressor = zstandard.ZstdCompressor(level=_LEVEL, threads=max(1, len(os.sched_getaffinity(0))))
    packed = path.with_name(f".{path.name}.zst")
    with path.open("rb") as source, packed.open("xb") as target:
        early = early_size(source)
        source.seek(0)
        target.write(source.read(early))
        compressor.copy_stream(source, target, size=path.stat().st_size - early)
    shutil.copymode(path, packed)
    packed.replace(path)


def early_size(source: IO[bytes]) -> int:
    """Return how many bytes at the start of the archive ``source`` are to stay uncompressed, often none.

    Raises:
        BuildError: it is no cpio archive.
    """
    if _next(source) != _EARLY:
        return 0
    while _next(source) != _LAST:
        pass
    end = source.tell()
    source.seek(-(-end // _PART) * _PART)
    while True:  # parts are filled up with zeros
        block = source.read(_PART)
        if block.strip(b"\0"):
            return source.tell() - len(block)
        if not block:
            return end


def _next(source: IO[bytes]) -> bytes:
    """Return the name of the entry that begins here, and go to the end of it."""
    header = source.read(_HEADER_SIZE)
    found = _HEADER.fullmatch(header)
    if found is None:
        raise BuildError("the initrd is no cpio archive", why=f"at byte {source.tell() - len(header)}")
    size, name_size = (int(digits, 16) for digits in found.groups())
    name = source.read(name_size).rstrip(b"\0")
    source.seek(-source.tell() % 4 + size, os.SEEK_CUR)
    source.seek(-source.tell() % 4, os.SEEK_CUR)
    return name
