# SPDX-License-Identifier: Apache-2.0
"""Plan the volumes of a system disk: logical volumes, or subvolumes of btrfs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from runner.plan.sizes import mebibytes

if TYPE_CHECKING:
    from runner.description.model.storage import Volume
    from runner.description.model.types import ImageType

DEFAULT_SWAP_MIB = 128

_GROUP, _ROOT_VOLUME, _SWAP_VOLUME = "systemVG", "LVRoot", "LVSwap"
_ROOT, _PREFIX = "@root", "LV"
_FREE_MIB = {"btrfs": 120, "xfs": 300}
_USUAL_FREE_MIB = 30


class VolumePlan(msgspec.Struct, frozen=True, kw_only=True):
    """One volume.

    Attributes:
        name: of the logical volume, or of the subvolume.
        path: where it is mounted; empty for swap.
        purpose: data, root or swap.
        size_mib: its whole size.
        freespace_mib: what is added to the size of its data; without both it takes the rest.
        parent: subvolume it lies in.
        check: it is checked at boot after root.
    """

    name: str
    path: str = ""
    purpose: Literal["data", "root", "swap"] = "data"
    size_mib: int | None = None
    freespace_mib: int | None = None
    parent: str = ""
    copy_on_write: bool = True
    quota: str = ""
    check: bool = False
    label: str = ""

    @property
    def takes_the_rest(self) -> bool:
        return self.size_mib is None and self.freespace_mib is None


class BtrfsPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How the root lies in a btrfs: in a subvolume, in the first snapshot of snapper's layout, or read-only.

    ``set_default_volume``: it is the one mounted by itself; otherwise fstab and the kernel arguments name it.
    """

    root_is_subvolume: bool = False
    root_is_snapshot: bool = False
    root_is_readonly: bool = False
    set_default_volume: bool = True
    quota_groups: bool = False


class VolumesPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Volume management by ``manager``; ``group`` names the volume group. The root is always among the volumes."""

    manager: Literal["lvm", "btrfs"]
    group: str
    volumes: tuple[VolumePlan, ...]


def plan_btrfs(entry: ImageType) -> BtrfsPlan | None:
    """Plan the root of a btrfs; None for other filesystems."""
    said = entry.filesystem
    if "btrfs" not in {said.filesystem, entry.image}:
        return None
    is_subvolume = said.btrfs_root_is_subvolume
    return BtrfsPlan(
        root_is_subvolume=entry.system_disk is not None if is_subvolume is None else is_subvolume,
        root_is_snapshot=said.btrfs_root_is_snapper_snapshot or False,
        root_is_readonly=said.btrfs_root_is_readonly_snapshot or False,
        set_default_volume=said.btrfs_set_default_volume is not False,
        quota_groups=said.btrfs_quota_groups or False,
    )


def plan_volumes(entry: ImageType, machine: str) -> VolumesPlan | None:
    """Plan ``<systemdisk>`` for ``machine``; None without one."""
    disk, filesystem = entry.system_disk, entry.filesystem.filesystem
    if disk is None:
        return None
    manager: Literal["lvm", "btrfs"] = "btrfs" if filesystem == "btrfs" and not disk.preferlvm else "lvm"
    own = [volume for volume in disk.volumes if not volume.arch or machine in volume.arch]
    free = _FREE_MIB.get(filesystem, _USUAL_FREE_MIB)
    volumes = [_volume(volume, manager, free) for volume in own]
    swap = _swap(entry) if manager == "lvm" else ()
    return VolumesPlan(
        manager=manager,
        group=disk.name or _GROUP,
        volumes=(*_added_root(volumes, manager, free), *volumes, *swap),
    )


def _volume(said: Volume, manager: str, free: int) -> VolumePlan:
    name, path, is_root = _name(said, manager)
    rest = said.takes_the_rest
    size = None if rest else mebibytes(said.size)
    extra = None if rest or said.size else mebibytes(said.freespace or str(free))
    return VolumePlan(
        name=name,
        path=path,
        purpose="root" if is_root else "data",
        size_mib=size,
        freespace_mib=extra,
        parent=said.parent,
        copy_on_write=said.copy_on_write is not False,
        quota=said.quota,
        check=said.filesystem_check or False,
        label=said.label,
    )


def _name(said: Volume, manager: str) -> tuple[str, str, bool]:
    """Return name, mount path and whether it is the root."""
    if said.name == _ROOT or said.name.startswith(f"{_ROOT}="):
        given = said.name.removeprefix(_ROOT).removeprefix("=")
        return given or _usual_root(manager), "/", True
    path = said.name.strip("/")
    if said.mountpoint:
        return path, "/" + said.mountpoint.strip("/"), False
    return (path if manager == "btrfs" else _PREFIX + path.replace("/", "_")), "/" + path, False


def _usual_root(manager: str) -> str:
    return "@" if manager == "btrfs" else _ROOT_VOLUME


def _added_root(volumes: list[VolumePlan], manager: str, free: int) -> tuple[VolumePlan, ...]:
    """Without a root volume of its own a disk gets one, which takes what no other takes."""
    if any(volume.purpose == "root" for volume in volumes):
        return ()
    taken = any(volume.takes_the_rest for volume in volumes)
    root = VolumePlan(name=_usual_root(manager), path="/", purpose="root", freespace_mib=free if taken else None)
    return (root,)


def _swap(entry: ImageType) -> tuple[VolumePlan, ...]:
    config = entry.oem
    if config is None or not config.swap:
        return ()
    size = DEFAULT_SWAP_MIB if config.swapsize is None else config.swapsize
    return (VolumePlan(name=config.swapname or _SWAP_VOLUME, purpose="swap", size_mib=size, label="SWAP"),)
