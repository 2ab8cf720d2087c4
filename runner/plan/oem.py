# SPDX-License-Identifier: Apache-2.0
"""Plan the first boot of a disk image and its installer's behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from runner.plan.initrd import InitrdAction, initrd_actions
from runner.plan.protection import is_sealed

if TYPE_CHECKING:
    from runner.description.model.oem import OemConfig
    from runner.description.model.types import ImageType


class ResizePlan(msgspec.Struct, frozen=True, kw_only=True):
    """The root filesystem grows to the disk at boot, up to ``limit_mib`` if there is one."""

    at_boot: bool = True
    once: bool = False
    limit_mib: int | None = None


class DumpPlan(msgspec.Struct, frozen=True, kw_only=True):
    """How an installer asks, writes and ends.

    Attributes:
        unattended: asks nothing; ``unattended_id`` names the disk to write to, else the first.
        device_filter: regular expression of disks that are not offered; ``nic_filter`` of network cards not used.
        ramdisk_size: size of the RAM disk a system is deployed to, as written.
    """

    unattended: bool = False
    unattended_id: str = ""
    device_filter: str = ""
    nic_filter: str = ""
    skip_verify: bool = False
    silent_verify: bool = False
    silent_install: bool = False
    silent_boot: bool = False
    reboot: bool = False
    reboot_interactive: bool = False
    shutdown: bool = False
    shutdown_interactive: bool = False
    bootwait: bool = False
    ramdisk_size: str = ""


class RecoveryPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Recovery archives of old installers."""

    in_place: bool = False
    partition_id: str = ""
    partition_size_mib: int | None = None


class OemPlan(msgspec.Struct, frozen=True, kw_only=True):
    """``<oemconfig>`` with its defaults. Swap stands in the disk's list of partitions or volumes."""

    resize: ResizePlan = ResizePlan()
    dump: DumpPlan = DumpPlan()
    multipath_scan: bool = False
    boot_title: str = ""
    kiwi_initrd: bool = False
    partition_install: bool = False
    vmcp_parmfile: str = ""
    recovery: RecoveryPlan | None = None


class InstallPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Installers made beside the disk: an ISO, a set of files for network boot, or both.

    Attributes:
        default_entry: harddisk, install or failsafe-install.
        start_after_timeout: the default entry is started when nobody chooses; else the menu waits.
        initrd: what the installer's initrd is told.
    """

    iso: bool
    pxe: bool
    default_entry: str = "harddisk"
    failsafe_entry: bool = True
    start_after_timeout: bool = True
    initrd: tuple[InitrdAction, ...] = ()


def plan_oem(entry: ImageType) -> OemPlan:
    """Plan the ``<oemconfig>`` of ``entry``; without one the defaults. A sealed root does not grow."""
    config, grows = entry.oem, not is_sealed(entry)
    if config is None:
        return OemPlan(resize=ResizePlan(at_boot=grows))
    return OemPlan(
        resize=ResizePlan(
            at_boot=grows and config.resize is not False,
            once=config.resize_once or False,
            limit_mib=config.systemsize,
        ),
        dump=_dump(config),
        multipath_scan=config.multipath_scan or False,
        boot_title=config.boot_title,
        kiwi_initrd=config.kiwi_initrd or False,
        partition_install=config.partition_install or False,
        vmcp_parmfile=config.vmcp_parmfile,
        recovery=_recovery(config),
    )


def plan_install(entry: ImageType) -> InstallPlan | None:
    """Plan the installers of ``entry``; None when it asks for none."""
    said = entry.install
    iso, pxe = bool(said.installiso or said.installstick), bool(said.installpxe)
    if not (iso or pxe):
        return None
    return InstallPlan(
        iso=iso,
        pxe=pxe,
        default_entry=said.installboot or "harddisk",
        failsafe_entry=said.installprovidefailsafe is not False,
        start_after_timeout=said.install_continue_on_timeout is not False,
        initrd=initrd_actions(entry.install_media.initrd) if entry.install_media else (),
    )


def _dump(config: OemConfig) -> DumpPlan:
    return DumpPlan(
        unattended=config.unattended or False,
        unattended_id=config.unattended_id,
        device_filter=config.device_filter,
        nic_filter=config.nic_filter,
        skip_verify=config.skip_verify or False,
        silent_verify=config.silent_verify or False,
        silent_install=config.silent_install or False,
        silent_boot=config.silent_boot or False,
        reboot=config.reboot or False,
        reboot_interactive=config.reboot_interactive or False,
        shutdown=config.shutdown or False,
        shutdown_interactive=config.shutdown_interactive or False,
        bootwait=config.bootwait or False,
        ramdisk_size=config.ramdisk_size,
    )


def _recovery(config: OemConfig) -> RecoveryPlan | None:
    if not config.recovery:
        return None
    return RecoveryPlan(
        in_place=config.inplace_recovery or False,
        partition_id=config.recovery_id,
        partition_size_mib=config.recovery_part_size,
    )
