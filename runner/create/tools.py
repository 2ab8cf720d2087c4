# SPDX-License-Identifier: Apache-2.0
"""What packing one type needs: the builder's tools, and those of what is on its disk and around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.registry import builder_for
from runner.disk import table, verity
from runner.disk.filesystems.registry import MODULES, filesystem_for
from runner.initrd import kept

if TYPE_CHECKING:
    from runner.disk.filesystems.api import Filesystem
    from runner.plan.model import TypePlan


def filesystems_of(plan: TypePlan) -> dict[str, Filesystem]:
    """Return the writers of all filesystems in the image of ``plan`` by their kinds, in the order of names.

    Filesystems that cannot be written are not among them.
    """
    partitions = plan.disk.partitions if plan.disk else ()
    kinds = {entry.filesystem for entry in partitions if entry.content == "filesystem"} | {plan.image}
    return {kind: filesystem_for(kind) for kind in sorted(kinds) if kind in MODULES}


def tools_of(plan: TypePlan) -> tuple[str, ...]:
    """Return the names of all packing tools that the image of ``plan`` needs.

    Raises:
        BuildError: no builder for the type exists.
    """
    names = {tool for entry in filesystems_of(plan).values() for tool in entry.tools}
    names |= {*verity.TOOLS} if plan.verity else set()
    return tuple(sorted(names.union(builder_for(plan.image).tools)))


def version_of(plan: TypePlan) -> str:
    """Return a text that changes whenever equal inputs and tools would give other bytes.

    Raises:
        BuildError: no builder for the type exists.
    """
    wrapper = plan.disk_format.wrapper if plan.disk_format else ""
    parts = [f"{kind}={entry.version}" for kind, entry in filesystems_of(plan).items()]
    parts += [f"table={table.VERSION}"] if plan.disk else []
    parts += [f"verity={verity.VERSION}"] if plan.verity else []
    parts += [f"initrd={kept.version()}"] if plan.initrd else []
    parts += [f"{wrapper}={builder_for(wrapper).version}"] if wrapper else []
    return " ".join((str(builder_for(plan.image).version), *parts))


def exceptions_of(plan: TypePlan) -> tuple[str, ...]:
    """Return why two builds of ``plan`` may differ, one sentence a filesystem; empty when they do not."""
    return tuple(
        f"filesystem {kind}: its mkfs cannot give equal bytes twice; the content is equal"
        for kind, entry in filesystems_of(plan).items()
        if not entry.reproducible
    )
