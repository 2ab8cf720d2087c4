# SPDX-License-Identifier: Apache-2.0
"""Swap space: a header in the first page, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.disk.filesystems.api import Filesystem
from runner.process import run as run_tool

if TYPE_CHECKING:
    from pathlib import Path

    from runner.disk.filesystems.api import FilesystemSpec, Place
    from runner.process import LineSink

_PAGE = 4096
_LEAST = 1 << 20


def need(spec: FilesystemSpec, root: Path, scratch: Path) -> int:  # noqa: ARG001  # as all filesystems
    """See :class:`runner.disk.filesystems.api.Need`."""
    return _LEAST


def write(
    spec: FilesystemSpec,
    root: Path,  # noqa: ARG001  # it holds nothing
    place: Place,
    *,
    scratch: Path,
    sink: LineSink | None = None,
) -> None:
    """See :class:`runner.disk.filesystems.api.Write`."""
    image = scratch / "swap"
    with image.open("xb") as stream:
        stream.truncate(place.size)
    image.chmod(0o600)  # mkswap warns of any other
    label = ("--label", spec.label) if spec.label else ()
    command = ("mkswap", "--uuid", spec.uuid, "--pagesize", str(_PAGE), *label, *spec.options, image)
    run_tool(command, sink=sink, what="mkswap")
    with image.open("rb") as made, place.file.open("r+b") as disk:
        disk.seek(place.offset)
        disk.write(made.read(_PAGE))
    image.unlink()


FILESYSTEM = Filesystem(version=1, tools=("mkswap",), need=need, write=write)
