# SPDX-License-Identifier: Apache-2.0
"""Plan the one result: attributes with their documented defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.plan.containers import CONTAINER_TYPES, plan_container
from runner.plan.model import SizePlan, TypePlan

if TYPE_CHECKING:
    from runner.description.model.types import ImageType, Size

FILESYSTEMS = frozenset({"btrfs", "erofs", "ext2", "ext3", "ext4", "squashfs", "xfs"})
"""Types whose result is one filesystem; the type's name is the filesystem's."""

_MEBIBYTES = {"M": 1, "G": 1024}


def plan_type(entry: ImageType, *, author: str) -> TypePlan:
    """Plan ``entry``; ``author`` is ``Author <contact>`` for container metadata."""
    derived = entry.get("derived_from")
    return TypePlan(
        image=entry.image,
        filesystem=entry.image if entry.image in FILESYSTEMS else entry.get("filesystem"),
        format=entry.get("format"),
        fscreateoptions=tuple(entry.get("fscreateoptions").split()),
        rootfs_label=entry.get("rootfs_label", "ROOT"),
        squashfscompression=entry.get("squashfscompression", "xz"),
        erofscompression=entry.get("erofscompression"),
        ensure_empty_tmpdirs=entry.flag("ensure_empty_tmpdirs", default=True),
        derived_from=derived,
        size=_size(entry.size),
        container=plan_container(entry.container, author=author, derived=bool(derived))
        if entry.image in CONTAINER_TYPES
        else None,
        bundle_format=entry.get("bundle_format"),
        attributes=dict(sorted(entry.attributes.items())),
    )


def _size(size: Size | None) -> SizePlan | None:
    if size is None:
        return None
    return SizePlan(mebibytes=size.value * _MEBIBYTES[size.unit], additive=size.additive)
