# SPDX-License-Identifier: Apache-2.0
"""Make in a root tree what its subvolumes need there: folders to mount them on, and what snapper has to know."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from runner.disk.split import mountpoint_folder
from runner.disk.subvolumes import SNAPSHOTS
from runner.prepare.paths import TreePaths

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.disk.subvolumes import Subvolume

_SNAPSHOTS_MODE = 0o700
_INFO = """\
<?xml version="1.0"?>
<snapshot>
    <type>single</type>
    <num>1</num>
    <description>first root filesystem</description>
    <date>{date:%Y-%m-%d %H:%M:%S}</date>
</snapshot>
"""
"""Of the root's own snapshot, as snapper writes it."""


def prepare_volumes(root: Path, volumes: Iterable[Subvolume], epoch: int) -> None:
    """Make every mountpoint of ``volumes`` in the tree at ``root``, and describe the snapshot that is the root.

    Raises:
        BuildError: a mountpoint is no folder of the tree.
    """
    for volume in volumes:
        if not volume.mountpoint:
            continue
        folder = mountpoint_folder(root, volume.mountpoint)
        if volume.mountpoint == SNAPSHOTS:
            folder.chmod(_SNAPSHOTS_MODE)
            snapshot = mountpoint_folder(root, f"{SNAPSHOTS}/1")
            text = _INFO.format(date=datetime.fromtimestamp(epoch, UTC))
            TreePaths(snapshot).write("info.xml", text.encode())
