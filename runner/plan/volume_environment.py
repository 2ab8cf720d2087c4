# SPDX-License-Identifier: Apache-2.0
"""The variables of volumes: one ``name|size|mountpoint`` a volume of ``<systemdisk>``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.plan.sizes import mebibytes

if TYPE_CHECKING:
    from runner.description.model.storage import Volume
    from runner.description.model.types import ImageType

DEFAULT_GROUP = "systemVG"
DEFAULT_ROOT = "LVRoot"
_ROOT = "@root"
_REST = "size:all"
_FREE_MEBIBYTES = {"btrfs": 120, "xfs": 300}
_OTHER_FREE_MEBIBYTES = 30


def volume_environment(image_type: ImageType, machine: str) -> dict[str, str]:
    """Return ``kiwi_Volume_Root``, ``kiwi_Volume_1`` and so on, none without a ``<systemdisk>``.

    A size is ``size:MB``, ``freespace:MB`` or ``size:all``. Where the root volume is not described it is
    ``LVRoot`` and takes what is left, unless another volume does. Names are as KIWI's scripts know them, which
    are not those of the logical volumes.
    """
    disk, filesystem = image_type.system_disk, image_type.filesystem.filesystem
    if disk is None:
        return {}
    free = _FREE_MEBIBYTES.get(filesystem, _OTHER_FREE_MEBIBYTES)
    volumes = [volume for volume in disk.volumes if not volume.arch or machine in volume.arch]
    roots = [volume for volume in volumes if _is_root(volume)]
    others = [volume for volume in volumes if not _is_root(volume)]
    sizes = [_size(volume, free) for volume in others]
    values = {
        f"kiwi_Volume_{number}": "|".join((_name(volume), size, _mountpoint(volume)))
        for number, (volume, size) in enumerate(zip(others, sizes, strict=True), start=1)
    }
    if roots:
        root = (roots[0].name.partition("=")[2] or DEFAULT_ROOT, _size(roots[0], free))
    else:
        root = (DEFAULT_ROOT, f"freespace:{free}" if _REST in sizes else _REST)
    values["kiwi_Volume_Root"] = f"{root[0]}|{root[1]}|"
    if filesystem != "btrfs" or disk.preferlvm:
        values |= {"kiwi_lvm": "true", "kiwi_lvmgroup": disk.name or DEFAULT_GROUP}
    return values


def _is_root(volume: Volume) -> bool:
    return volume.name.partition("=")[0] == _ROOT


def _name(volume: Volume) -> str:
    """Names of volumes have no slashes."""
    return volume.name.strip("/").replace("/", "_")


def _mountpoint(volume: Volume) -> str:
    return (volume.mountpoint or volume.name).strip("/")


def _size(volume: Volume, free: int) -> str:
    if volume.takes_the_rest:
        return _REST
    if volume.size:
        return f"size:{mebibytes(volume.size)}"
    more = mebibytes(volume.freespace)
    return f"freespace:{free if more is None else more}"
