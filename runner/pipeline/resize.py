# SPDX-License-Identifier: Apache-2.0
"""Make the disk in a folder of results larger, as ``kiwi-ng image resize`` does.

The folder is no release afterwards: manifest, checksums and signature vouch for other bytes, and so they go.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from runner import process
from runner.bundle.results import read_results
from runner.create.formats.convert import convert
from runner.create.inputs import CreateInputs
from runner.disk.grow import grow
from runner.errors import BuildError, UsageError
from runner.pipeline.steps import plan_and_lock
from runner.plan.formats import DiskFormatPlan
from runner.release.files import ReleaseNames
from runner.seed import Seed

if TYPE_CHECKING:
    from runner.bundle.results import Results

_RAW, _CONVERTED = "disk_image", "disk_format_image"
_MEBIBYTE = 1 << 20
_QEMU = {"qcow2": "qcow2", "vdi": "vdi", "vhdx": "vhdx", "vmdk": "vmdk"}
"""Formats whose files hold exactly the disk, by what qemu-img calls them."""


@dataclass(frozen=True, slots=True)
class Resized:
    """What became of it: the results that were written, the disk's new size, and the files that went."""

    files: tuple[Path, ...]
    size: int
    removed: tuple[str, ...]


def resize(target: Path, size: int, root: Path | None = None) -> Resized:
    """Make the disk in ``target`` one of ``size`` bytes, rounded up to whole mebibytes.

    ``root`` is the tree that the disk was made of, whose plan tells how another format than raw is written.

    Raises:
        UsageError: there is no disk in ``target``, or ``root`` is needed and not given.
        BuildError: it would become smaller, or its format cannot be written again.
    """
    results = read_results(target)
    disk = next((results.entries[key] for key in (_CONVERTED, _RAW) if key in results.entries), None)
    if disk is None:
        raise UsageError(f"{target} holds no disk", hint='only images of type="oem" can be resized')
    whole = -(-size // _MEBIBYTE) * _MEBIBYTE
    path = results.path(disk)
    with tempfile.TemporaryDirectory(prefix=".resize-", dir=target) as folder:
        scratch = Path(folder)
        made = _grown(path, whole, scratch) if _RAW in results.entries else _anew(path, whole, scratch, root)
        removed = _unvouch(results)
        for file in made:
            file.replace(target / file.name)
    return Resized(tuple(target / file.name for file in made), whole, removed)


def _grown(path: Path, size: int, scratch: Path) -> tuple[Path, ...]:
    copy = scratch / path.name
    process.run(("cp", "--reflink=auto", "--sparse=always", path, copy), what=f"copying {path.name}")
    grow(copy, size)
    return (copy,)


def _anew(path: Path, size: int, scratch: Path, root: Path | None) -> tuple[Path, ...]:
    """Unpack the disk at ``path``, grow it and write it as its plan says."""
    if root is None:
        raise UsageError(
            f"how {path.name} was written is not known",
            why="the options of its format are in the plan, which the tree has that it was made of",
            hint="give the tree with --root, or set <size> in the description and build again",
        )
    plan, lock = plan_and_lock(root)
    said = plan.type.disk_format or DiskFormatPlan()
    if not path.name.startswith(f"{plan.stem}."):
        raise UsageError(f"{path.name} was not made of {root}", why=f"that tree becomes {plan.stem}")
    if said.name not in _QEMU or said.wrapper:
        raise BuildError(
            f"a disk in the format {plan.type.format} cannot be resized",
            hint="set <size> in the description and build again",
        )
    seed = Seed.derive(image=plan.image.name, arch=plan.arch, lock_digest=lock.digest, epoch=lock.epoch)
    raw = scratch / f"{plan.stem}.raw"
    process.run(("qemu-img", "convert", "-f", _QEMU[said.name], "-O", "raw", path, raw), what="qemu-img convert")
    grow(raw, size)
    files = convert(CreateInputs.of(plan, epoch=lock.epoch, seed=seed), raw)
    return tuple(scratch / file.name for file in files)


def _unvouch(results: Results) -> tuple[str, ...]:
    """Remove what a release says of its files, and return the names."""
    names = ReleaseNames(results.stem)
    found = sorted(name for name in names.around - {names.log} if (results.folder / name).is_file())
    for name in found:
        (results.folder / name).unlink()
    return tuple(found)
