# SPDX-License-Identifier: Apache-2.0
"""Convert a finished raw disk to the format that was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.image import ResultFile
from runner.digest import sha256_file
from runner.errors import BuildError
from runner.process import run as run_tool

if TYPE_CHECKING:
    from pathlib import Path

    from runner.create.inputs import CreateInputs
    from runner.process import LineSink

_MEDIA_TYPES = {"qcow2": "application/x-qemu-disk"}
FORMATS = ("qcow2",)


def convert(inputs: CreateInputs, raw: Path, sink: LineSink | None = None) -> ResultFile:
    """Return the disk ``raw`` as it is, or in the plan's format; then the raw file goes.

    Raises:
        BuildError: the format cannot be written, or qemu-img failed.
    """
    plan = inputs.type.disk_format
    if plan is None or not plan.name:
        return _described(raw, "disk_image", "application/octet-stream", compress=True)
    if plan.name not in FORMATS or plan.wrapper:
        raise BuildError(
            f"the disk format {plan.name} cannot be written yet", hint=f"formats: {', '.join(FORMATS)}"
        )
    path = raw.with_suffix(f".{plan.name}")
    options = [part for option in plan.options for part in ("-o", option)]
    # One coroutine: with more, the order in which clusters are allocated is that in which reads end.
    command: list[str | Path] = [
        "qemu-img",
        "convert",
        "-m",
        "1",
        "-f",
        "raw",
        "-O",
        plan.name,
        *options,
        raw,
        path,
    ]
    run_tool(command, what="qemu-img convert", sink=sink)
    raw.unlink()
    return _described(path, "disk_format_image", _MEDIA_TYPES[plan.name], compress=False)


def _described(path: Path, role: str, media_type: str, *, compress: bool) -> ResultFile:
    return ResultFile(
        name=path.name,
        role=role,
        media_type=media_type,
        sha256=sha256_file(path),
        size=path.stat().st_size,
        bundle_compress=compress,
    )
