# SPDX-License-Identifier: Apache-2.0
"""erofs, written by mkfs.erofs.

``SOURCE_DATE_EPOCH`` sets the creation time and clamps the others, where ``-T`` would give every file the same
time and so make Python compile its modules anew on each start. It gets no label: erofs-utils before 1.7 has none.
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

DEFAULT_COMPRESSION = "lz4hc"
"""Reads as fast as lz4, packs tighter, and is in every erofs-utils since 1.0; KIWI leaves it to a given value."""


def pack(spec: FilesystemSpec, root: Path, path: Path, *, sink: LineSink | None = None) -> None:
    """See :class:`runner.disk.filesystems.packed.Pack`."""
    options = (f"-z{spec.compression or DEFAULT_COMPRESSION}", f"-U{spec.uuid}", "--quiet", *spec.options)
    run_tool(
        ("mkfs.erofs", *options, path, root),
        env=tool_environment({"SOURCE_DATE_EPOCH": str(spec.epoch)}),
        sink=sink,
        what="mkfs.erofs",
    )


FILESYSTEM = packed(pack, version=1, tools=("mkfs.erofs",))
