# SPDX-License-Identifier: Apache-2.0
"""qemu-img, called so that equal disks give equal files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.process import run as run_tool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from runner.create.formats.api import Disk
    from runner.process import LineSink

TOOLS = ("fallocate", "qemu-img")


def dig_holes(raw: Path, sink: LineSink | None = None) -> None:
    """Make holes of all zeros in ``raw``.

    qemu-img skips holes and, where it compresses, writes zeros that are none: without this its output would depend
    on how the disk was written. A filesystem that has no holes has none to differ in.
    """
    run_tool(("fallocate", "--dig-holes", raw), sink=sink, check=False)


def convert(disk: Disk, name: str, path: Path, options: Sequence[str] = (), *, compress: bool = False) -> None:
    """Convert the raw disk to qemu's format ``name`` as the new file ``path``; of ``options`` the last counts.

    Raises:
        BuildError: qemu-img failed.
        HostError: it is not installed.
    """
    given = [part for option in options for part in ("-o", option)]
    # One coroutine: with more, the order in which clusters are allocated is that in which reads end.
    command: list[str | Path] = ["qemu-img", "convert", "-m", "1", "-f", "raw", "-O", name, *given]
    if compress:
        command.append("-c")
    run_tool([*command, disk.raw, path], what="qemu-img convert", sink=disk.sink)
