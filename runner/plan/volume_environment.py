# SPDX-License-Identifier: Apache-2.0
"""The variables of volumes: one ``name|size|mountpoint`` a volume of ``<systemdisk>``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.model.element import flag, words

if TYPE_CHECKING:
    from runner.description.model.element import Node
    from runner.description.model.types import ImageType

DEFAULT_GROUP = "systemVG"
DEFAULT_ROOT = "LVRoot"
_ROOT = "@root"
_ALL = "size:all"
_FREE_MEBIBYTES = {"btrfs": 120, "xfs": 300}
_OTHER_FREE_MEBIBYTES = 30


def volume_environment(image_type: ImageType, machine: str) -> dict[str, str]:
    """Return ``kiwi_Volume_Root``, ``kiwi_Volume_1`` and so on, none without a ``<systemdisk>``.

    A size is ``size:MB``, ``freespace:MB`` or ``size:all``. Where the root volume is not described it is
    ``LVRoot`` and takes what is left, unless another volume does.
    """
    disk = image_type.child("systemdisk")
    if disk is None:
        return {}
    free = _FREE_MEBIBYTES.get(image_type.get("filesystem"), _OTHER_FREE_MEBIBYTES)
    volumes = [node for node in disk.children if node.name == "volume" and _here(node, machine)]
    roots = [node for node in volumes if _name(node).partition("=")[0] == _ROOT]
    others = [node for node in volumes if node not in roots]
    sizes = [_size(node, free) for node in others]
    values = {
        f"kiwi_Volume_{number}": "|".join((_volume_name(node), size, _mountpoint(node)))
        for number, (node, size) in enumerate(zip(others, sizes, strict=True), start=1)
    }
    if roots:
        root = (_name(roots[0]).partition("=")[2] or DEFAULT_ROOT, _size(roots[0], free))
    else:
        root = (DEFAULT_ROOT, f"freespace:{free}" if _ALL in sizes else _ALL)
    values["kiwi_Volume_Root"] = f"{root[0]}|{root[1]}|"
    if image_type.get("filesystem") != "btrfs" or flag(disk.attributes.get("preferlvm")):
        values |= {"kiwi_lvm": "true", "kiwi_lvmgroup": disk.attributes.get("name", "").strip() or DEFAULT_GROUP}
    return values


def _here(node: Node, machine: str) -> bool:
    arch = words(node.attributes.get("arch"))
    return not arch or machine in arch


def _name(node: Node) -> str:
    return node.attributes.get("name", "").strip()


def _volume_name(node: Node) -> str:
    """Names of volumes have no slashes."""
    return _name(node).strip("/").replace("/", "_")


def _mountpoint(node: Node) -> str:
    return (node.attributes.get("mountpoint", "").strip() or _name(node)).strip("/")


def _size(node: Node, free: int) -> str:
    size = node.attributes.get("size", "").strip()
    if size:
        return _ALL if size == "all" else f"size:{_mebibytes(size)}"
    more = node.attributes.get("freespace", "").strip()
    if more == "all":
        return _ALL
    return f"freespace:{_mebibytes(more) if more else free}"


def _mebibytes(text: str) -> int:
    number, unit = text.rstrip("MG"), text[-1]
    return int(number) * (1024 if unit == "G" else 1)
