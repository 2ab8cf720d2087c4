# SPDX-License-Identifier: Apache-2.0
"""dracut(8), as distributions with rpm have it, and Debian on request."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.initrd.kernel import Kernel
    from runner.plan.initrd import InitrdPlan
    from runner.prepare.step import Bench

PROGRAM, PACKAGE = "dracut", "dracut"

_OPTIONS = {
    "add": ("--add", "--add-drivers"),
    "omit": ("--omit", "--omit-drivers"),
    "set": ("--modules", "--drivers"),
}
"""By the action of an ``<initrd>``: the option for dracut's modules and the one for drivers."""


def make(bench: Bench, kernel: Kernel, plan: InitrdPlan) -> None:
    """See :class:`runner.initrd.generator.Generator`."""
    bench.run(*command(kernel, plan), what=f"dracut for kernel {kernel.version}")


def command(kernel: Kernel, plan: InitrdPlan) -> tuple[str, ...]:
    """Return the command line: for any machine, and with equal bytes every time."""
    fixed = ("--force", "--no-hostonly", "--no-hostonly-cmdline", "--reproducible")
    return (PROGRAM, *fixed, *_modules(plan), kernel.initrd, kernel.version)


def _modules(plan: InitrdPlan) -> Iterator[str]:
    for entry in plan.actions:
        if entry.action not in _OPTIONS:
            continue
        for option, names in zip(_OPTIONS[entry.action], (entry.modules, entry.drivers), strict=True):
            if names:
                yield from (option, " ".join(names))
