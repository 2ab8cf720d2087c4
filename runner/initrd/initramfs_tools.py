# SPDX-License-Identifier: Apache-2.0
"""initramfs-tools(7), Debian's and Ubuntu's own. It has hooks where dracut has modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import BuildError
from runner.prepare.paths import TreePaths

if TYPE_CHECKING:
    from pathlib import Path

    from runner.initrd.kernel import Kernel
    from runner.plan.initrd import InitrdPlan
    from runner.prepare.step import Bench

PROGRAM, PACKAGE = "mkinitramfs", "initramfs-tools"

_DRIVERS = "usr/share/initramfs-tools/modules.d/packhouse"


def configure(root: Path, plan: InitrdPlan) -> None:
    """See :class:`runner.initrd.generator.Generator`."""
    drivers = _drivers(plan)
    if drivers:
        TreePaths(root).write(_DRIVERS, "".join(f"{name}\n" for name in drivers).encode())


def make(bench: Bench, kernel: Kernel, plan: InitrdPlan) -> None:  # noqa: ARG001  # as all generators
    """See :class:`runner.initrd.generator.Generator`."""
    bench.run(PROGRAM, "-o", kernel.initrd, kernel.version, what=f"mkinitramfs for kernel {kernel.version}")


def _drivers(plan: InitrdPlan) -> tuple[str, ...]:
    """Return what is to be added; initramfs-tools knows no way to leave something out."""
    for entry in plan.actions:
        if entry.for_dracut:
            asked = f'<initrd action="{entry.action}"> with {"modules" if entry.modules else "drivers"}'
            raise BuildError(
                f"initramfs-tools cannot do what {asked} asks for",
                why="the image has no dracut, whose modules these are",
                hint="add the package dracut to the description",
            )
    return tuple(dict.fromkeys(name for entry in plan.actions if entry.action == "add" for name in entry.drivers))
