# SPDX-License-Identifier: Apache-2.0
"""Which subvolumes a btrfs root has, and what of the root tree lies in each."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import msgspec

from runner.byte_size import byte_size

if TYPE_CHECKING:
    from runner.plan.disk import DiskPlan
    from runner.plan.volumes import BtrfsPlan, VolumePlan

SNAPSHOTS = "/.snapshots"
"""Where snapper looks for its snapshots."""

_FIRST = "1/snapshot"
_USUAL_ROOT = "@"


class Subvolume(msgspec.Struct, frozen=True, kw_only=True):
    """One subvolume.

    Attributes:
        path: in the filesystem, without a leading slash; empty for its top, which is there without being made.
        mountpoint: what of the root tree is in it; empty when nothing is.
        is_default: it is mounted when none is asked for.
        copy_on_write: false for files that are written in place, which then have no checksums.
        quota_bytes: the most it may hold.
        check: it is checked at boot after root.
    """

    path: str
    mountpoint: str = ""
    is_default: bool = False
    read_only: bool = False
    copy_on_write: bool = True
    quota_bytes: int | None = None
    check: bool = False


def subvolumes(plan: DiskPlan | None) -> tuple[Subvolume, ...]:
    """Return the subvolumes of the root of ``plan``, the root's first; none for other filesystems than btrfs."""
    if plan is None or plan.btrfs is None:
        return ()
    volumes = plan.volumes.volumes if plan.volumes and plan.volumes.manager == "btrfs" else ()
    root = next((volume.name for volume in volumes if volume.purpose == "root"), _USUAL_ROOT)
    top = root.strip("/") if plan.btrfs.root_is_subvolume or plan.btrfs.root_is_snapshot else ""
    return (
        *_roots(plan.btrfs, top),
        *(_data(volume, top) for volume in volumes if volume.purpose == "data"),
    )


def _roots(plan: BtrfsPlan, top: str) -> tuple[Subvolume, ...]:
    """The root itself; in snapper's layout also what holds it."""
    snapshots = top + SNAPSHOTS
    path = f"{snapshots}/{_FIRST}" if plan.root_is_snapshot else top
    root = Subvolume(
        path=path,
        mountpoint="/",
        is_default=plan.set_default_volume and bool(path),
        read_only=plan.root_is_readonly and plan.root_is_snapshot,
    )
    if not plan.root_is_snapshot:
        return (root,)
    return (root, Subvolume(path=top), Subvolume(path=snapshots, mountpoint=SNAPSHOTS))


def _data(volume: VolumePlan, top: str) -> Subvolume:
    parent = volume.parent.strip("/") if volume.parent else top
    return Subvolume(
        path="/".join(part for part in (parent, volume.name.strip("/")) if part),
        mountpoint=volume.path,
        copy_on_write=volume.copy_on_write,
        quota_bytes=byte_size(volume.quota) if volume.quota else None,
        check=volume.check,
    )


def has_quotas(plan: DiskPlan | None) -> bool:
    """Tell whether the filesystem counts how much its subvolumes have."""
    wanted = plan is not None and plan.btrfs is not None and plan.btrfs.quota_groups
    return wanted or any(volume.quota_bytes is not None for volume in subvolumes(plan))


def path_on_disk(volumes: tuple[Subvolume, ...], path: str) -> str:
    """Return where ``path`` of the running system is, from the top of the filesystem on."""
    wanted = PurePosixPath(path)
    holding = [volume for volume in volumes if volume.mountpoint and wanted.is_relative_to(volume.mountpoint)]
    if not holding:
        return path
    volume = max(holding, key=lambda found: len(PurePosixPath(found.mountpoint).parts))
    return str(PurePosixPath("/", volume.path) / wanted.relative_to(volume.mountpoint))


def mount_option(volumes: tuple[Subvolume, ...]) -> str:
    """Return what mounts the root besides its device: ``subvol=…``; empty when it is mounted by itself."""
    root = next((volume for volume in volumes if volume.mountpoint == "/"), None)
    return f"subvol={root.path}" if root is not None and root.path and not root.is_default else ""


def mounted(volumes: tuple[Subvolume, ...]) -> tuple[Subvolume, ...]:
    """Return those that are mounted on a folder of the root."""
    return tuple(volume for volume in volumes if volume.mountpoint not in {"", "/"})
