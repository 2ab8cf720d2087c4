# SPDX-License-Identifier: Apache-2.0
"""``oem``: a disk with partition table, bootloader and filesystems, as ``N.raw`` or in another disk format.

First who everything is (names and UUIDs), then what is written into the tree with these names, then how large
everything is, and last the disk itself. A root under dm-verity is finished before the menu is, which has its hash.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner.bootloader.boot_code import embed
from runner.bootloader.facts import BootFacts
from runner.bootloader.install import install, write_menu
from runner.create.canonical import canonicalise
from runner.create.disk_scripts import DiskScript, change_tree
from runner.create.disk_writer import seal, take_apart, write_disk
from runner.create.formats.convert import convert
from runner.create.formats.registry import TOOLS as FORMAT_TOOLS
from runner.create.reduce import reduce_tree
from runner.create.registry import Builder
from runner.disk.fstab import fstab
from runner.disk.identity import identify
from runner.disk.split import PartedTree
from runner.disk.subvolumes import subvolumes
from runner.disk.verity import require_opener
from runner.disk.volume_tree import prepare_volumes
from runner.errors import BuildError
from runner.firstboot.growth import install_growth
from runner.firstboot.host_keys import install_host_keys
from runner.initrd.kept import install_initrds
from runner.initrd.kernel import find_kernels
from runner.plan.oem import OemPlan
from runner.prepare.paths import TreePaths
from runner.prepare.step import Bench
from runner.seed import Seed

if TYPE_CHECKING:
    from runner.create.image import ResultFile
    from runner.create.inputs import CreateInputs
    from runner.create.registry import Workshop
    from runner.disk.model import DiskIdentity
    from runner.plan.boot import BootPlan
    from runner.plan.disk import DiskPlan

_FSTAB = "etc/fstab"
_APPENDED = "etc/fstab.append"


def run(inputs: CreateInputs, root: Path, stage: Path, workshop: Workshop) -> tuple[ResultFile, ...]:
    """Make a disk of ``root``; see :class:`runner.create.registry.Run`."""
    disk_plan, boot_plan = _plans(inputs)
    bench = Bench(
        root=root, epoch=inputs.epoch, sandbox=workshop.sandbox, sink=workshop.sink, limits=workshop.limits
    )
    seed = Seed(bytes.fromhex(inputs.seed))
    identity = identify(disk_plan, arch=inputs.arch, seed=seed)
    facts = _finish_tree(bench, inputs, identity, boot_plan, workshop)
    code = install(bench, facts)
    if inputs.type.verity is None:
        write_menu(PartedTree({"/": root}), facts)
    change_tree(bench, inputs, identity)
    path = stage / f"{inputs.stem}.raw"
    with tempfile.TemporaryDirectory(prefix=".disk-", dir=stage) as folder:
        scratch = Path(folder)
        last = DiskScript(bench, inputs, scratch / ".description")
        last.keep()
        reduce_tree(root, inputs.type)
        canonicalise(root, inputs.epoch, workshop.sink)
        contents = take_apart(inputs, identity, root, scratch, sink=workshop.sink)
        if inputs.type.verity is not None:
            contents, root_hash = seal(contents, seed)
            workshop.note("root_hash", root_hash)
            write_menu(contents.tree, replace(facts, root_hash=root_hash))
            for tree in contents.trees.values():
                canonicalise(tree, inputs.epoch, workshop.sink)
        layout = write_disk(inputs, disk_plan, contents, path)
        if code is not None:
            embed(layout, path, boot=code.boot, core=code.core)
        last.run(path, layout, contents.tree.parts)
    return convert(inputs, path, workshop.sink)


def _plans(inputs: CreateInputs) -> tuple[DiskPlan, BootPlan]:
    if inputs.type.disk is None or inputs.type.boot is None:
        raise BuildError("the plan has no disk", hint="make the plan anew from its description")
    return inputs.type.disk, inputs.type.boot


def _finish_tree(
    bench: Bench, inputs: CreateInputs, identity: DiskIdentity, boot_plan: BootPlan, workshop: Workshop
) -> BootFacts:
    """Write into the tree what depends on the disk's names; return what the bootloader has to know."""
    plan, root = inputs.type, bench.root
    if plan.verity is not None:
        require_opener(root)
    growth = install_growth(root, identity, (plan.oem or OemPlan()).resize)
    if growth is not None:
        workshop.note("growth", growth)
    install_host_keys(root)
    volumes = subvolumes(plan.disk)
    prepare_volumes(root, volumes, inputs.epoch)
    _write_fstab(root, fstab(identity, plan, growing=growth is not None))
    kernels = find_kernels(root)
    has_initrd = plan.initrd is not None and plan.initrd.system != "none"
    if plan.initrd is not None and has_initrd:
        install_initrds(bench, kernels, plan.initrd, workshop)
    return BootFacts(
        identity=identity,
        boot=boot_plan,
        arch=inputs.arch,
        kernels=kernels,
        has_initrd=has_initrd,
        unified=plan.initrd is not None and plan.initrd.unified,
        volumes=volumes,
    )


def _write_fstab(root: Path, text: str) -> None:
    """Write fstab, with the lines of the description that follow ours, as KIWI does."""
    paths = TreePaths(root)
    appended = paths.resolve(_APPENDED, follow_last=False)
    if appended.is_file() and not appended.is_symlink():
        text += appended.read_text(encoding="utf-8")
        appended.unlink()
    paths.remove(_FSTAB)  # what a link there names is not ours to write to
    paths.write(_FSTAB, text.encode())


BUILDER = Builder(version=11, tools=FORMAT_TOOLS, run=run, strips=True)
