# SPDX-License-Identifier: Apache-2.0
"""Where data lies on a disk: geometry attributes of ``<type>``, ``<size>``, ``<partitions>``, ``<systemdisk>``."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from runner.description.model.read import TEXT, Attributes, Part


class DiskAttributes(Attributes, frozen=True, kw_only=True):
    """Partition table and the partitions every disk may have. Sizes are in MiB where no unit is written."""

    efiparttable: str = ""
    efipartsize: int | None = None
    eficsm: bool | None = None
    force_mbr: bool | None = None
    gpt_hybrid_mbr: bool | None = None
    dosparttable_extended_layout: bool | None = None
    disk_start_sector: int | None = None
    target_blocksize: int | None = None
    bootpartition: bool | None = None
    bootpartsize: int | None = None
    bootfilesystem: str = ""
    bootpart_id: int | None = None
    efipart_id: int | None = None
    eficsmpart_id: int | None = None
    rootpart_id: int | None = None
    root_clone: int | None = None
    boot_clone: int | None = None
    mdraid: str = ""


class SpareAttributes(Attributes, frozen=True, kw_only=True):
    """The spare partition."""

    spare_part: str = ""
    spare_part_fs: str = ""
    spare_part_mountpoint: str = ""
    spare_part_fs_attributes: tuple[str, ...] = ()
    spare_part_is_last: bool | None = None


class Size(Part, frozen=True, kw_only=True):
    """``<size>``: ``value`` in ``unit`` (``M``, the default, or ``G``); ``unpartitioned`` in the same unit."""

    TAG: ClassVar[str] = "size"

    value: int = msgspec.field(default=0, name=TEXT)
    unit: str = ""
    additive: bool | None = None
    unpartitioned: int | None = None


class Partition(Part, frozen=True, kw_only=True):
    """``<partition>``: one of the description's own. ``size`` is ``N``, ``NM`` or ``NG``."""

    TAG: ClassVar[str] = "partition"

    name: str = ""
    size: str = ""
    mountpoint: str = ""
    filesystem: str = ""
    label: str = ""
    partition_name: str = ""
    partition_type: str = ""
    part_id: int | None = None
    clone: int | None = None


class Partitions(Part, frozen=True, kw_only=True):
    TAG: ClassVar[str] = "partitions"

    partitions: tuple[Partition, ...] = ()


class Volume(Part, frozen=True, kw_only=True):
    """``<volume>`` of a system disk. ``name`` is a path, a plain name with ``mountpoint``, or ``@root[=NAME]``."""

    TAG: ClassVar[str] = "volume"

    name: str = ""
    mountpoint: str = ""
    size: str = ""
    freespace: str = ""
    parent: str = ""
    copy_on_write: bool | None = None
    quota: str = ""
    filesystem_check: bool | None = None
    label: str = ""
    arch: tuple[str, ...] = ()

    @property
    def takes_the_rest(self) -> bool:
        """Whether it grows to what is left of the disk; as its free space, ``all`` says the same as its size."""
        return (self.size or self.freespace) == "all"


class SystemDisk(Part, frozen=True, kw_only=True):
    """``<systemdisk>``: volume management is on."""

    TAG: ClassVar[str] = "systemdisk"

    name: str = ""
    preferlvm: bool | None = None
    volumes: tuple[Volume, ...] = ()
