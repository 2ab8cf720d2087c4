# SPDX-License-Identifier: Apache-2.0
"""Write the table of what is mounted at boot; its form is that of fstab(5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.disk.subvolumes import mount_option, mounted, subvolumes
from runner.disk.verity import DEVICE
from runner.errors import BuildError
from runner.plan.protection import READ_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runner.disk.model import DiskIdentity, Partition
    from runner.plan.model import TypePlan

_TYPES = {"fat16": "vfat", "fat32": "vfat"}
_FAT_OPTIONS = ("umask=0077",)
"""FAT has no owners; what lies on an EFI partition is root's affair."""

_SWAP_MOUNTPOINT = "none"
_ESCAPES = str.maketrans({" ": r"\040", "\t": r"\011", "\n": r"\012", "\\": r"\134"})


def device(partition: Partition, devices_by: str) -> str:
    """Return how fstab and kernel arguments name ``partition``: ``UUID=…``, ``LABEL=…`` or ``PARTUUID=…``.

    squashfs has neither UUID nor label, and erofs no label everywhere: they go by their partition.

    Raises:
        BuildError: it is to be named by its label and has none.
    """
    if devices_by == "by-partuuid" or partition.plan.filesystem in READ_ONLY:
        return f"PARTUUID={partition.uuid}"
    if devices_by == "by-uuid":
        return f"UUID={partition.filesystem_uuid}"
    if not partition.plan.label:
        raise BuildError(
            f"the partition {partition.plan.name} has no label",
            why='devicepersistency="by-label" names it by one',
            hint="give it a label",
        )
    return f"LABEL={partition.plan.label}"


def fstab(identity: DiskIdentity, plan: TypePlan, *, growing: bool = False) -> str:
    """Return the text of ``/etc/fstab``, a mountpoint after those it lies in.

    A root under dm-verity has no line: the initrd has mounted it, and there is nothing about it to change. Its
    subvolumes have, and are mounted read-only from the device that checks every block.

    Args:
        identity: the partitions; those without a filesystem or a mountpoint have no line.
        plan: says how devices are named, and the root's mount options.
        growing: systemd grows the root filesystem to its partition when it is mounted.

    Raises:
        BuildError: a partition has no label to be named by.
    """
    devices_by = plan.boot.devices_by if plan.boot else "by-uuid"
    lines = sorted(_lines(identity, plan, devices_by, growing=growing))
    return "".join(f"{line}\n" for _, line in lines)


def _lines(identity: DiskIdentity, plan: TypePlan, devices_by: str, *, growing: bool) -> Iterator[tuple[str, str]]:
    volumes = subvolumes(plan.disk)
    for partition in identity.partitions:
        planned = partition.plan
        point = _SWAP_MOUNTPOINT if planned.filesystem == "swap" else planned.mountpoint
        if not partition.filesystem_uuid or not point:
            continue
        checked = point == "/" and plan.verity is not None
        options = [*(plan.fsmountoptions if point == "/" else ())]
        options += [mount_option(volumes)] if point == "/" and mount_option(volumes) else []
        options += _FAT_OPTIONS if planned.filesystem in _TYPES else ()
        options += ["x-systemd.growfs"] if growing and point == "/" else []
        source = DEVICE if checked else device(partition, devices_by)
        kind = _TYPES.get(planned.filesystem, planned.filesystem)
        if not checked:
            yield point, _line(source, point, kind, options, "1" if point == "/" else "0")
        for volume in mounted(volumes) if point == "/" else ():
            options = [*(("ro",) if checked else ()), *plan.fsmountoptions, f"subvol={volume.path}"]
            line = _line(source, volume.mountpoint, kind, options, "2" if volume.check else "0")
            yield volume.mountpoint, line


def _line(source: str, point: str, kind: str, options: list[str], check: str) -> str:
    fields = (source, point, kind, ",".join(options) or "defaults", "0", check)
    return " ".join(field.translate(_ESCAPES) for field in fields)
