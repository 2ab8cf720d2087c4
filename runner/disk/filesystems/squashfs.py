# SPDX-License-Identifier: Apache-2.0
"""squashfs, written by mksquashfs with all processors.

mksquashfs is reproducible with any number of threads. ``SOURCE_DATE_EPOCH`` sets the creation time and clamps the
others; its options for the same purpose must not be given besides. The filesystem has neither label nor UUID.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.disk.filesystems.packed import packed
from runner.process import run as run_tool
from runner.process import tool_environment

if TYPE_CHECKING:
    from pathlib import Path

    from runner.disk.filesystems.api import FilesystemSpec
    from runner.process import LineSink

_BCJ_FILTERS = {"x86_64": "x86", "ix86": "x86", "ppc64": "powerpc"}
"""Branch filters for xz where squashfs-tools 4.5 has one for the architecture; little-endian POWER has none."""


def pack(spec: FilesystemSpec, root: Path, path: Path, *, sink: LineSink | None = None) -> None:
    """See :class:`runner.disk.filesystems.packed.Pack`."""
    fixed = ("-noappend", "-b", "1M", "-no-progress", "-no-recovery", "-exit-on-error", "-quiet")
    options = compression_options(spec.compression, spec.arch)
    run_tool(
        ("mksquashfs", root, path, *fixed, *options, *spec.options),
        env=tool_environment({"SOURCE_DATE_EPOCH": str(spec.epoch)}),
        sink=sink,
        what="mksquashfs",
    )


def compression_options(compression: str, arch: str) -> tuple[str, ...]:
    """Return mksquashfs' options for KIWI's ``squashfscompression``; xz comes with a branch filter."""
    if compression == "uncompressed":
        return ("-noI", "-noId", "-noD", "-noF", "-noX")
    chosen = compression or "xz"
    branch = ("-Xbcj", _BCJ_FILTERS[arch]) if chosen == "xz" and arch in _BCJ_FILTERS else ()
    return ("-comp", chosen, *branch)


FILESYSTEM = packed(pack, version=1, tools=("mksquashfs",))
