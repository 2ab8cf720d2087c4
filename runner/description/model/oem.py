# SPDX-License-Identifier: Apache-2.0
"""``<oemconfig>``: first boot and the installer."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from runner.description.model.read import Part


def _element(field: str) -> str:
    return "oem-" + field.replace("_", "-")


class OemConfig(Part, frozen=True, kw_only=True, rename=_element):
    """The values of the ``<oem-…>`` elements. Sizes are in MiB; None and empty mean: not said."""

    TAG: ClassVar[str] = "oemconfig"
    VALUES_IN_CHILDREN: ClassVar[bool] = True

    resize: bool | None = None
    resize_once: bool | None = None
    systemsize: int | None = None
    swap: bool | None = None
    swapsize: int | None = None
    swapname: str = ""
    unattended: bool | None = None
    unattended_id: str = ""
    device_filter: str = ""
    nic_filter: str = ""
    multipath_scan: bool | None = None
    skip_verify: bool | None = None
    silent_verify: bool | None = None
    silent_install: bool | None = None
    silent_boot: bool | None = None
    reboot: bool | None = None
    reboot_interactive: bool | None = None
    shutdown: bool | None = None
    shutdown_interactive: bool | None = None
    bootwait: bool | None = None
    boot_title: str = ""
    ramdisk_size: str = ""
    kiwi_initrd: bool | None = None
    partition_install: bool | None = None
    recovery: bool | None = None
    inplace_recovery: bool | None = None
    recovery_id: str = msgspec.field(default="", name="oem-recoveryID")
    recovery_part_size: int | None = None
    vmcp_parmfile: str = ""
