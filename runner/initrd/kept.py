# SPDX-License-Identifier: Apache-2.0
"""Put an initrd for each kernel into a tree; one that was made of the same before comes from the store.

A generator runs in a throw-away view of the tree (:mod:`runner.initrd.seen`), and nothing but the initrd comes out
of there. So an initrd is the same, and so is all else in the tree, whether a generator ran in this build or in an
earlier one.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from runner.digest import digest_of
from runner.initrd import compress, seen
from runner.initrd.generator import choose, generate
from runner.initrd.kernel import Kernel
from runner.plan.initrd import InitrdPlan

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from runner.create.registry import Workshop
    from runner.prepare.step import Bench

VERSION = 1
"""Rises whenever equal inputs would give another initrd."""

_NAME = "initrd"


class InitrdInputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything an initrd is made from; ``tree`` is what the generator sees, ``compressor`` our own one."""

    version: int
    tree: str
    kernel: Kernel
    plan: InitrdPlan
    epoch: int
    compressor: str


def version() -> str:
    """Return a text that changes whenever equal trees would get other initrds."""
    return f"{VERSION} {compress.compressor()}"


def install_initrds(bench: Bench, kernels: Iterable[Kernel], plan: InitrdPlan, workshop: Workshop) -> None:
    """Write the initrd of each of ``kernels`` into the tree.

    Raises:
        BuildError: the tree has no generator, or it failed, or it cannot do what the plan asks for.
    """
    paths = {kernel: bench.paths.resolve(kernel.initrd, follow_last=False) for kernel in kernels}
    for path in paths.values():
        path.unlink(missing_ok=True)  # a package's or a script's: no two builds would give it the same bytes
    choose(bench).configure(bench.root, plan)
    found = seen.look(bench.root, bench.epoch)
    made = {kernel: _kept(bench, kernel, plan, found, workshop) for kernel in paths}
    for kernel, path in paths.items():
        shutil.copy(made[kernel], path)


def _kept(bench: Bench, kernel: Kernel, plan: InitrdPlan, found: seen.Seen, workshop: Workshop) -> Path:
    """Return a file with the initrd of ``kernel``."""

    def make(folder: Path) -> None:
        with workshop.view(bench.root) as view:
            seen.show(view, found, bench.epoch)
            shutil.copy(generate(replace(bench, root=view), kernel, plan), folder / _NAME)

    inputs = InitrdInputs(
        version=VERSION,
        tree=found.digest,
        kernel=kernel,
        plan=plan,
        epoch=bench.epoch,
        compressor=compress.compressor(),
    )
    return workshop.once("initrd", digest_of(inputs), make) / _NAME
