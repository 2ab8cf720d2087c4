# SPDX-License-Identifier: Apache-2.0
"""Convert a finished raw disk to the format that was asked for."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from runner.create.formats import qemu
from runner.create.formats.api import Disk
from runner.create.formats.registry import format_for
from runner.errors import BuildError

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
        disk = Disk(inputs=inputs, raw=raw, folder=raw.parent, scratch=Path(scratch), sink=sink)
        if disk.plan.wrapper:
            raise BuildError("a disk cannot be put into a container yet", hint="set the format without it")
        write = format_for(disk.plan.name)
        if disk.plan.name:
            qemu.dig_holes(raw, sink)
        files = write(disk)
        if raw.name not in {file.name for file in files}:
            raw.unlink(missing_ok=True)
    return files
