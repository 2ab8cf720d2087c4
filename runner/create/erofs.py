# SPDX-License-Identifier: Apache-2.0
"""``erofs``: the tree as ``N.erofs``, written by mkfs.erofs.

``SOURCE_DATE_EPOCH`` sets the creation time and clamps the others, where ``-T`` would give every file the same
time and so make Python compile its modules anew on each start.
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

DEFAULT_COMPRESSION = "lz4hc"
"""Reads as fast as lz4, packs tighter, and is in every erofs-utils since 1.0; KIWI leaves it to a given value."""


def run(inputs: CreateInputs, root: Path, stage: Path, workshop: Workshop) -> tuple[ResultFile, ...]:
    """Pack ``root``; see :class:`runner.create.registry.Run`."""
    canonicalise(root, inputs.epoch, workshop.sink)
    path = stage / f"{inputs.stem}.erofs"
    compression = inputs.type.erofscompression or DEFAULT_COMPRESSION
    options = (f"-z{compression}", f"-U{inputs.uuid('erofs uuid')}", "--quiet", *inputs.type.fscreateoptions)
    run_tool(
        ("mkfs.erofs", *options, path, root),
        env=tool_environment({"SOURCE_DATE_EPOCH": str(inputs.epoch)}),
        sink=workshop.sink,
        what="mkfs.erofs",
    )
    return (filesystem_image(path),)


BUILDER = Builder(version=2, tools=("mkfs.erofs",), run=run)
