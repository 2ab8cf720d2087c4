# SPDX-License-Identifier: Apache-2.0
"""dracut(8), as distributions with rpm have it, and Debian on request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.initrd.compress import compress, reads_zstd
from runner.prepare.glob import find, regular_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from runner.initrd.kernel import Kernel
    from runner.plan.initrd import InitrdPlan
    from runner.prepare.paths import TreePaths
    from runner.prepare.step import Bench

PROGRAM, PACKAGE = "dracut", "dracut"

_OPTIONS = {
    "add": ("--add", "--add-drivers"),
    "omit": ("--omit", "--omit-drivers"),
    "set": ("--modules", "--drivers"),
}
"""By the action of an ``<initrd>``: the option for dracut's modules and the one for drivers."""


_CONFIGS = ("etc/dracut.conf", "etc/dracut.conf.d/*.conf", "usr/lib/dracut/dracut.conf.d/*.conf")
_CHOSEN = re.compile(r"^\s*compress=", re.MULTILINE)


def configure(root: Path, plan: InitrdPlan) -> None:
    """See :class:`runner.initrd.generator.Generator`; what is asked for goes on the command line."""


def make(bench: Bench, kernel: Kernel, plan: InitrdPlan) -> None:
    """See :class:`runner.initrd.generator.Generator`."""
    ours = reads_zstd(bench.root, kernel.version) and not _chooses_compression(bench.paths)
    bench.run(*command(kernel, plan, compressed=not ours), what=f"dracut for kernel {kernel.version}")
    if ours:
        compress(bench.paths.resolve(kernel.initrd))


def command(kernel: Kernel, plan: InitrdPlan, *, compressed: bool = True) -> tuple[str, ...]:
    """Return the command line: for any machine, and with equal bytes every time."""
    fixed = ("--force", "--no-hostonly", "--no-hostonly-cmdline", "--reproducible")
    plain = () if compressed else ("--no-compress",)
    return (PROGRAM, *fixed, *plain, *_modules(plan), kernel.initrd, kernel.version)


def _chooses_compression(paths: TreePaths) -> bool:
    """A configuration in the image knows better than we do."""
    found = (regular_file(paths, paths.inside(path)) for pattern in _CONFIGS for path in find(paths, pattern))
    texts = (file.read_text(encoding="utf-8", errors="replace") for file in found if file is not None)
    return any(_CHOSEN.search(text) for text in texts)


def _modules(plan: InitrdPlan) -> Iterator[str]:
    for entry in plan.actions:
        if entry.action not in _OPTIONS:
            continue
        for option, names in zip(_OPTIONS[entry.action], (entry.modules, entry.drivers), strict=True):
            if names:
                yield from (option, " ".join(names))
