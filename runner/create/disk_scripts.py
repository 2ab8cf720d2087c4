# SPDX-License-Identifier: Apache-2.0
"""Run the scripts of a description that KIWI runs around a disk, in the sandbox and with KIWI's arguments.

No disk is mounted and there is no device. So ``pre_disk_sync.sh`` and ``disk.sh`` both work on the tree before it
is written, and ``editbootinstall`` gets the boot partition as its place in the file, in the words of mtools.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from runner.copy_tree import copy_tree
from runner.errors import BuildError
from runner.prepare import normalise
from runner.prepare import scripts as script_step
from runner.prepare.tree import KIWI_LEFTOVERS
from runner.sandbox.api import Bind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from runner.create.inputs import CreateInputs
    from runner.disk.model import DiskIdentity, DiskLayout
    from runner.prepare.step import Bench


def change_tree(bench: Bench, inputs: CreateInputs, identity: DiskIdentity) -> None:
    """Run what changes the tree before it is written, in KIWI's order, and clean up behind it.

    ``editbootconfig`` gets the kind of the root filesystem and the number of the partition with ``/boot``.

    Raises:
        BuildError: a script failed.
        LimitError: it ran or wrote too long.
    """
    home = identity.role("boot") or identity.role("root")
    arguments = (inputs.type.filesystem, str(home.number) if home else "")
    ran = [_run(bench, inputs, script_step.EDIT_BOOT_CONFIG, arguments)]
    ran += [_run(bench, inputs, name) for name in (script_step.PRE_DISK_SYNC, script_step.DISK)]
    if any(ran):
        normalise(bench, empty_temporary=inputs.type.ensure_empty_tmpdirs)


@dataclass(frozen=True, slots=True)
class DiskScript:
    """``editbootinstall``, which changes the finished disk; made before the tree is stripped of it.

    ``folder`` is made when it is needed.
    """

    bench: Bench
    inputs: CreateInputs
    folder: Path

    @property
    def asked(self) -> bool:
        return bool(self.inputs.type.edit_boot_install)

    def keep(self) -> None:
        """Put aside what of the description lies in the tree, in the new folder."""
        if self.asked:
            self.folder.mkdir()
        for name in KIWI_LEFTOVERS if self.asked else ():
            place = self.bench.paths.resolve(name, follow_last=False)
            if os.path.lexists(place):
                copy_tree(place, self.folder / name)

    def run(self, disk: Path, layout: DiskLayout, parts: Mapping[str, Path]) -> None:
        """Run it with ``disk`` as a file it can write to, and the place of the boot partition in it.

        It sees the tree as it went onto the disk; what it changes there is lost. ``parts`` are the trees of the
        partitions by their mountpoints.

        Raises:
            BuildError: it failed, or there is no boot partition.
            HostError: this machine lets us mount nothing, so the disk cannot be shown.
        """
        if not self.asked:
            return
        home = layout.role("boot") or layout.role("root")
        if home is None:
            raise BuildError("the disk has no partition for /boot, which editbootinstall is told of")
        for path in self.folder.iterdir():
            self.bench.paths.remove(path.name)  # nothing is written through a link that a script left
            copy_tree(path, self.bench.paths.resolve(path.name, follow_last=False))
        shown = f"/image/{disk.name}"
        binds = [Bind(parts[point], point, writable=True) for point in sorted(parts, key=_depth) if point != "/"]
        _run(
            self.bench,
            self.inputs,
            script_step.EDIT_BOOT_INSTALL,
            (shown, f"{shown}@@{home.offset}"),
            (*binds, Bind(disk, shown, writable=True)),
        )


def _run(
    bench: Bench,
    inputs: CreateInputs,
    name: str,
    arguments: tuple[str, ...] = (),
    binds: tuple[Bind, ...] = (),
) -> bool:
    return script_step.run(script_step.Inputs(name, inputs.environment, arguments, binds), bench)


def _depth(point: str) -> int:
    return len(PurePosixPath(point).parts)
