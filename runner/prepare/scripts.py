# SPDX-License-Identifier: Apache-2.0
"""Runs a script of the description inside the tree, as KIWI does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.prepare.step import Bench
    from runner.sandbox.api import Bind

VERSION = 1

EDIT_BOOT_CONFIG, EDIT_BOOT_INSTALL = "edit_boot_config.sh", "edit_boot_install.sh"
"""What scripts of the type's attributes are called in ``/image``, whatever they are called in the description."""

PRE_DISK_SYNC, DISK, IMAGES = "pre_disk_sync.sh", "disk.sh", "images.sh"
WHILE_CREATING = (IMAGES, PRE_DISK_SYNC, DISK, EDIT_BOOT_CONFIG)
"""Scripts that change the tree when it is finished already."""

PROFILE_ONLY = frozenset({"kiwi_align", "kiwi_sectorsize", "kiwi_revision"})
"""Variables that stand in ``/.profile`` but not in the environment of scripts."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """One script.

    Attributes:
        name: its name in ``/image``, such as ``config.sh``.
        environment: the plan's ``kiwi_*`` variables.
        arguments: what it is called with.
        binds: what of this machine it sees in the tree.
    """

    name: str
    environment: Mapping[str, str]
    arguments: tuple[str, ...] = ()
    binds: tuple[Bind, ...] = ()


def run(inputs: Inputs, bench: Bench) -> bool:
    """Run ``/image/<name>`` and tell whether there was one.

    A script with the executable bit and a ``#!`` line runs directly, any other through bash; working directory
    is ``/``, standard input is empty, and no ``set -e`` is added.

    Raises:
        BuildError: it exited non-zero (with its last lines), or bash is missing.
        LimitError: it ran or wrote too long.
    """
    script = bench.paths.resolve(f"/image/{inputs.name}")
    if not script.is_file():
        return False
    with script.open("rb") as stream:
        direct = stream.read(2) == b"#!" and script.stat().st_mode & 0o111
    if not direct:
        bench.require("bash", package="bash", purpose=inputs.name)
    environment = {name: value for name, value in inputs.environment.items() if name not in PROFILE_ONLY}
    argv = (f"/image/{inputs.name}", *inputs.arguments)
    bench.run(*(argv if direct else ("bash", *argv)), what=inputs.name, env=environment, binds=inputs.binds)
    return True
