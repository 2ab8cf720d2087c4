# SPDX-License-Identifier: Apache-2.0
"""``squashfs``: the tree as ``N.squashfs``, written by mksquashfs with all processors.

mksquashfs is reproducible with any number of threads. ``SOURCE_DATE_EPOCH`` sets the creation time and clamps the
others; its options for the same purpose must not be given besides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.canonical import canonicalise
from runner.create.image import filesystem_image
from runner.create.registry import Builder
from runner.process import run as run_tool
from runner.process import tool_environment

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.image import ResultFile
    from runner.create.inputs import CreateInputs
    from runner.create.registry import Workshop

_BCJ_FILTERS = {"x86_64": "x86", "ix86": "x86", "ppc64": "powerpc"}
"""Branch filters for xz where squashfs-tools 4.5 has one for the architecture; little-endian POWER has none."""


def run(inputs: CreateInputs, root: Path, stage: Path, workshop: Workshop) -> tuple[ResultFile, ...]:
    """Pack ``root``; see :class:`runner.create.registry.Run`."""
    canonicalise(root, inputs.epoch, workshop.sink)
    path = stage / f"{inputs.stem}.squashfs"
    fixed = ("-noappend", "-b", "1M", "-no-progress", "-no-recovery", "-exit-on-error", "-quiet")
    options = compression_options(inputs.type.squashfscompression, inputs.arch)
    run_tool(
        ("mksquashfs", root, path, *fixed, *options, *inputs.type.fscreateoptions),
        env=tool_environment({"SOURCE_DATE_EPOCH": str(inputs.epoch)}),
        sink=workshop.sink,
        what="mksquashfs",
    )
    return (filesystem_image(path, "application/vnd.squashfs"),)


def compression_options(compression: str, arch: str) -> tuple[str, ...]:
    """Return mksquashfs' options for KIWI's ``squashfscompression``; xz comes with a branch filter."""
    if compression == "uncompressed":
        return ("-noI", "-noId", "-noD", "-noF", "-noX")
    chosen = compression or "xz"
    branch = ("-Xbcj", _BCJ_FILTERS[arch]) if chosen == "xz" and arch in _BCJ_FILTERS else ()
    return ("-comp", chosen, *branch)


BUILDER = Builder(version=1, tools=("mksquashfs",), run=run)
