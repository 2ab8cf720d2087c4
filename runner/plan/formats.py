# SPDX-License-Identifier: Apache-2.0
"""Plan the file format that a finished disk is converted to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from runner.description.model.machine import Disk
    from runner.description.model.types import ImageType

WRAPPERS = ("oci", "docker")
"""Containers that a disk can be shipped in: ``format="oci:qcow2"``."""

_ADAPTERS = {"lsisas1068": "lsilogic", "pvscsi": "lsilogic"}
"""Controllers that the converter knows by another name."""


class DiskFormatPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of the raw disk.

    Attributes:
        name: qcow2, vmdk, ova, vdi, vhd, vhdx, vhd-fixed, gce or vagrant; empty leaves it raw.
        wrapper: ``oci`` or ``docker`` when the result is shipped in a container.
        options: ``name=value`` for the converter, the description's own last.
        vhd_fixed_tag: GUID written at 64 KiB into a vhd-fixed.
        gce_license: licence named in a gce disk's manifest.
    """

    name: str = ""
    wrapper: str = ""
    options: tuple[str, ...] = ()
    vhd_fixed_tag: str = ""
    gce_license: str = ""


def plan_format(entry: ImageType) -> DiskFormatPlan:
    """Plan the disk format of ``entry``."""
    asked = entry.formats
    wrapper, colon, name = asked.format.partition(":")
    if not colon:
        wrapper, name = "", asked.format
    if name == "raw":  # only in a container it has a name
        name = ""
    disk = entry.machine.disk if entry.machine else None
    return DiskFormatPlan(
        name=name,
        wrapper=wrapper,
        options=(*_vmdk_options(disk, name), *asked.formatoptions),
        vhd_fixed_tag=asked.vhdfixedtag if name == "vhd-fixed" else "",
        gce_license=asked.gcelicense if name == "gce" else "",
    )


def _vmdk_options(disk: Disk | None, name: str) -> tuple[str, ...]:
    if disk is None or name not in {"ova", "vmdk"}:
        return ()
    controller = _ADAPTERS.get(disk.controller, disk.controller)
    mode = disk.diskmode if name == "vmdk" else ""  # a package has one kind of disk
    pairs = (("subformat", mode), ("adapter_type", controller))
    return tuple(f"{name}={value}" for name, value in pairs if value)
