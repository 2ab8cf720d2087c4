# SPDX-License-Identifier: Apache-2.0
"""Plan the one result: every part of it with its documented defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner.plan.boot import plan_boot
from runner.plan.containers import CONTAINER_TYPES, plan_container
from runner.plan.disk import plan_disk
from runner.plan.formats import plan_format
from runner.plan.initrd import plan_initrd
from runner.plan.machine import plan_machine, plan_vagrant
from runner.plan.media import plan_live, plan_media, plan_netboot
from runner.plan.model import AppxPlan, ContainerPlan, SizePlan, TypePlan
from runner.plan.oem import plan_install, plan_oem
from runner.plan.protection import plan_integrity, plan_luks, plan_overlay_root, plan_verity
from runner.plan.sizes import in_unit

if TYPE_CHECKING:
    from runner.description.model.storage import Size
    from runner.description.model.types import ImageType
    from runner.plan.select import Selection

FILESYSTEMS = frozenset({"btrfs", "erofs", "ext2", "ext3", "ext4", "squashfs", "xfs"})
"""Types whose result is one filesystem; the type's name is the filesystem's."""


def plan_type(chosen: Selection, *, author: str) -> TypePlan:
    """Plan the selected type; ``author`` is ``Author <contact>`` for container metadata."""
    entry = chosen.image_type
    boot, overlay, install = plan_boot(chosen), plan_overlay_root(entry), plan_install(entry)
    disk_format = plan_format(entry) if entry.image == "oem" else None
    return replace(
        _content(entry),
        container=_container(entry, author, wrapped=bool(disk_format and disk_format.wrapper)),
        boot=boot,
        initrd=plan_initrd(entry),
        disk=plan_disk(entry, machine=chosen.machine, firmware=boot.firmware if boot else "", overlay=overlay),
        disk_format=disk_format,
        oem=plan_oem(entry) if entry.image == "oem" else None,
        install=install,
        media=plan_media(entry, install),
        live=plan_live(entry),
        netboot=plan_netboot(entry),
        machine=plan_machine(entry, format_name=disk_format.name if disk_format else ""),
        vagrant=plan_vagrant(entry),
        luks=plan_luks(entry),
        verity=plan_verity(entry),
        integrity=plan_integrity(entry),
        overlay_root=overlay,
        appx=_appx(entry),
    )


def _content(entry: ImageType) -> TypePlan:
    """Plan how the tree is packed, whatever boots it."""
    files, formats, containers = entry.filesystem, entry.formats, entry.containers
    return TypePlan(
        image=entry.image,
        filesystem=entry.image if entry.image in FILESYSTEMS else files.filesystem,
        format=formats.format,
        fscreateoptions=tuple(files.fscreateoptions.split()),
        fsmountoptions=files.fsmountoptions,
        rootfs_label=files.rootfs_label or "ROOT",
        squashfscompression=files.squashfscompression or "xz",
        erofscompression=files.erofscompression,
        selinux_policy=files.selinux_policy or "targeted",
        ensure_empty_tmpdirs=containers.ensure_empty_tmpdirs is not False,
        derived_from=containers.derived_from,
        delta_root=containers.delta_root or False,
        provide_system_files=containers.provide_system_files or False,
        require_system_files=containers.require_system_files or False,
        size=_size(entry.size),
        bundle_format=formats.bundle_format,
        edit_boot_config=entry.boot.editbootconfig,
        edit_boot_install=entry.boot.editbootinstall,
        enclave_format=formats.enclave_format,
    )


def _size(size: Size | None) -> SizePlan | None:
    if size is None:
        return None
    return SizePlan(
        mebibytes=in_unit(size.value, size.unit),
        additive=size.additive or False,
        unpartitioned_mib=in_unit(size.unpartitioned or 0, size.unit),
    )


def _container(entry: ImageType, author: str, *, wrapped: bool) -> ContainerPlan | None:
    if entry.image not in CONTAINER_TYPES and not wrapped:
        return None
    return plan_container(entry.container, author=author, derived=bool(entry.containers.derived_from))


def _appx(entry: ImageType) -> AppxPlan | None:
    if entry.image != "appx":
        return None
    said = entry.container
    return AppxPlan(
        metadata_path=entry.formats.metadata_path,
        application_id=said.application_id if said else "",
        package_version=said.package_version if said else "",
        launcher=said.launcher if said else "",
    )
