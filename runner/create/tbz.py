# SPDX-License-Identifier: Apache-2.0
"""``tbz``: the root tree as ``N.tar.xz``, names without a leading ``./``, as KIWI writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.compress import compressing, xz_command
from runner.create.image import ResultFile
from runner.create.registry import Builder
from runner.create.tar import TarWriter

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.inputs import CreateInputs
    from runner.create.registry import Workshop


def run(
    inputs: CreateInputs,
    root: Path,
    stage: Path,
    workshop: Workshop,  # noqa: ARG001 - no tool runs here
) -> tuple[ResultFile, ...]:
    """Pack ``root``; see :class:`runner.create.registry.Run`."""
    name = f"{inputs.stem}.tar.xz"
    with compressing(stage / name, xz_command()) as stream:
        tar = TarWriter(stream, inputs.epoch)
        tar.add_tree(root)
        tar.close()
    packed = stream.done()
    return (
        ResultFile(
            name=name,
            role="root_archive",
            media_type="application/x-xz",
            sha256=packed.sha256,
            size=packed.size,
            uncompressed_sha256=packed.uncompressed_sha256,
            uncompressed_size=packed.uncompressed_size,
        ),
    )


BUILDER = Builder(version=1, tools=("xz",), run=run)
