# SPDX-License-Identifier: Apache-2.0
"""Convert a finished raw disk to the format that was asked for."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runner.create.formats import qemu
from runner.create.formats.api import Disk
from runner.create.formats.registry import format_for
from runner.create.formats.wrap import FOLDER, wrap
from runner.plan.formats import DiskFormatPlan

if TYPE_CHECKING:
    from runner.create.image import ResultFile
    from runner.create.inputs import CreateInputs
    from runner.process import LineSink


def convert(inputs: CreateInputs, raw: Path, sink: LineSink | None = None) -> tuple[ResultFile, ...]:
    """Write the disk ``raw`` beside it in the plan's format, and return the result files; the disk itself goes.

    Without a format the disk is the result. Equal disks give equal files.

    Raises:
        BuildError: the format cannot be written, or a tool failed.
    """
    with tempfile.TemporaryDirectory(prefix=".format-", dir=raw.parent) as scratch:
        work, plan = Path(scratch) / "work", inputs.type.disk_format or DiskFormatPlan()
        tree = Path(scratch) / "tree"
        folder = tree / FOLDER if plan.wrapper else raw.parent
        for path in (work, folder):
            path.mkdir(parents=True, exist_ok=True)
        write = format_for(plan.name)
        if plan.name:
            qemu.dig_holes(raw, sink)
        files = write(Disk(inputs=inputs, raw=raw, folder=folder, scratch=work, sink=sink))
        if plan.wrapper:
            files = wrap(inputs, plan.wrapper, tree, raw.parent)
        if raw.name not in {file.name for file in files}:
            raw.unlink(missing_ok=True)
    return files
