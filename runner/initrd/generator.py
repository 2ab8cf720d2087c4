# SPDX-License-Identifier: Apache-2.0
"""What makes an initrd, chosen by what the tree has. It runs inside the tree, in the sandbox."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Protocol

from runner.errors import BuildError
from runner.initrd import dracut, initramfs_tools

if TYPE_CHECKING:
    from pathlib import Path

    from runner.initrd.kernel import Kernel
    from runner.plan.initrd import InitrdPlan
    from runner.prepare.step import Bench

_FOLDERS = ("usr/bin", "usr/sbin", "bin", "sbin")
_MODE = 0o600
"""An initrd may hold keys of the system."""


class Generator(Protocol):
    """A module that makes initrds. ``PROGRAM`` is the one it runs, in ``PACKAGE``."""

    PROGRAM: str
    PACKAGE: str

    def configure(self, root: Path, plan: InitrdPlan) -> None:
        """Write into the tree what the plan asks for and later initrds of the running system are to have too.

        Raises:
            BuildError: the generator cannot do what the plan asks for.
        """
        ...

    def make(self, bench: Bench, kernel: Kernel, plan: InitrdPlan) -> None:
        """Write ``kernel.initrd`` into the tree.

        Raises:
            BuildError: the generator failed.
        """
        ...


GENERATORS: tuple[Generator, ...] = (dracut, initramfs_tools)
"""In the order of preference: KIWI knows no other than the first."""


def generate(bench: Bench, kernel: Kernel, plan: InitrdPlan) -> Path:
    """Make the initrd of ``kernel`` in the tree and return where it is.

    Raises:
        BuildError: the tree has no generator, or it failed, or it wrote nothing.
    """
    generator = choose(bench)
    generator.make(bench, kernel, plan)
    path = bench.paths.resolve(kernel.initrd, follow_last=False)
    if not path.is_file() or path.is_symlink() or path.stat().st_size == 0:
        raise BuildError(f"{generator.PROGRAM} wrote no initrd {kernel.initrd}")
    path.chmod(stat.S_IFREG | _MODE)
    return path


def choose(bench: Bench) -> Generator:
    """Return the generator of the tree.

    Raises:
        BuildError: it has none.
    """
    for generator in GENERATORS:
        if any(bench.paths.is_file(f"{folder}/{generator.PROGRAM}") for folder in _FOLDERS):
            return generator
    packages = " or ".join(generator.PACKAGE for generator in GENERATORS)
    raise BuildError(
        "the image has nothing that makes an initrd",
        why=f"neither of {', '.join(generator.PROGRAM for generator in GENERATORS)} is in it",
        hint=f'add the package {packages}, or say initrd_system="none"',
    )
