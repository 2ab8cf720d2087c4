# SPDX-License-Identifier: Apache-2.0
"""What starts a disk is missed before anything is downloaded, and only where that is certain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.description import load
from runner.errors import BuildError, Location
from runner.plan import make_plan
from runner.plan.disk_packages import require_startable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

WHERE = Location("appliance.kiwi", 7, "type")
GENERATOR, KERNEL = "initramfs-tools", "linux-image-6.12.48-amd64"
BIOS = (KERNEL, GENERATOR, "grub-pc-bin")
EFI = (KERNEL, GENERATOR, "grub-efi-amd64-bin")
SIGNED = (KERNEL, GENERATOR, "shim-signed", "grub-efi-amd64-signed")
SYSTEMD_BOOT = '<bootloader name="systemd_boot"/>'
UNIFIED = f'{SYSTEMD_BOOT}<initrd action="setup"><dracut uefi="true"/></initrd>'
MODULE = '<initrd action="add"><dracut module="lvm"/></initrd>'
SEALED = 'firmware="efi" verity_blocks="all"'
SYSTEMD = (KERNEL, GENERATOR, "systemd=257.9-1~deb13u1", "systemd-boot-efi")
OLD = (KERNEL, "systemd=249.11-0ubuntu3.16")
DRACUT = (KERNEL, "dracut", "systemd=257.9-1~deb13u1", "systemd-boot-efi", "systemd-cryptsetup")
ARM = (KERNEL, GENERATOR, "grub-efi-arm64-bin")


def check(
    write: Callable[..., Path],
    packages: Iterable[str],
    attributes: str = "",
    inner: str = "",
    *,
    arch: str = "x86_64",
    body: str = "",
    file: str = "",
) -> None:
    kind = f'<type image="oem" filesystem="ext4" {attributes}>{inner}</type>'
    folder = write(f"<preferences>{kind}</preferences>{body}")
    if file:
        (folder / file).parent.mkdir(parents=True)
        (folder / file).write_text("")
    plan = make_plan(load(folder), type_name="oem", arch=arch)
    versions = {name: version or "1" for name, _, version in (package.partition("=") for package in packages)}
    require_startable(plan, versions, folder, where=WHERE)


@pytest.mark.parametrize(
    ("packages", "attributes", "inner", "arch"),
    [
        (BIOS, "", "", "x86_64"),
        (("linux-image-cloud-amd64", "dracut", "grub-pc-bin"), "", "", "x86_64"),
        (("raspberrypi-kernel", "dracut-core", "grub-pc-bin"), "", "", "x86_64"),
        (("proxmox-kernel-6.8", "initramfs-tools-core", "grub-pc-bin"), "", "", "x86_64"),
        (EFI, 'firmware="efi"', "", "x86_64"),
        (SIGNED, 'firmware="uefi"', "", "x86_64"),
        (ARM, "", "", "aarch64"),
        (SYSTEMD, 'firmware="efi"', SYSTEMD_BOOT, "x86_64"),
        (SYSTEMD, "", SYSTEMD_BOOT, "riscv64"),
        (SYSTEMD, 'firmware="efi"', UNIFIED, "x86_64"),
        ((*OLD, GENERATOR), 'firmware="efi"', SYSTEMD_BOOT, "x86_64"),
        (DRACUT, SEALED, SYSTEMD_BOOT, "x86_64"),
        ((*OLD, "dracut-core"), SEALED, SYSTEMD_BOOT, "x86_64"),
        ((KERNEL, "dracut", "grub-pc-bin"), "", MODULE, "x86_64"),
        ((KERNEL, GENERATOR), "", '<bootloader name="custom"/>', "x86_64"),
        ((KERNEL, GENERATOR), "", "", "riscv64"),
        ((KERNEL, "grub-pc-bin"), 'initrd_system="none"', "", "x86_64"),
    ],
)
def test_a_disk_that_can_start(
    write: Callable[..., Path], packages: tuple[str, ...], attributes: str, inner: str, arch: str
) -> None:
    check(write, packages, attributes, inner, arch=arch)


@pytest.mark.parametrize(
    ("packages", "attributes", "inner", "lacks", "add"),
    [
        (BIOS[1:], "", "", "no kernel", "linux-image-amd64"),
        (("linux-headers-amd64", *BIOS[1:]), "", "", "no kernel", "linux-image-amd64"),
        ((KERNEL, "grub-pc-bin"), "", "", "no generator of initrds", "initramfs-tools"),
        (BIOS, 'firmware="efi"', "", "no bootloader for efi", "grub-efi-amd64-bin"),
        (EFI, "", "", "no bootloader for bios", "grub-pc-bin"),
        (EFI, 'firmware="uefi"', "", "no bootloader for uefi", "shim-signed, grub-efi-amd64-signed"),
        (SYSTEMD[:-1], 'firmware="efi"', SYSTEMD_BOOT, "no bootloader for efi", "systemd-boot-efi"),
        ((KERNEL, GENERATOR), 'firmware="efi"', SYSTEMD_BOOT, "no bootloader for efi", "systemd-boot-efi"),
        (SYSTEMD, SEALED, SYSTEMD_BOOT, "no dracut, whose modules", "dracut, systemd-cryptsetup"),
        (DRACUT[:-1], SEALED, SYSTEMD_BOOT, "no opener of a root under dm-verity", "systemd-cryptsetup"),
        (BIOS, "", MODULE, "no dracut, whose modules", "dracut"),
        (
            (),
            "",
            "",
            "no kernel, no generator of initrds, no bootloader for bios",
            "linux-image-amd64, initramfs-tools",
        ),
    ],
)
def test_a_disk_that_cannot(  # noqa: PLR0917  # a row
    write: Callable[..., Path], packages: tuple[str, ...], attributes: str, inner: str, lacks: str, add: str
) -> None:
    with pytest.raises(BuildError) as caught:
        check(write, packages, attributes, inner)
    assert lacks in caught.value.what
    assert add in str(caught.value.hint)
    assert caught.value.where == WHERE


@pytest.mark.parametrize(
    ("body", "file"),
    [
        ("", "root/boot/vmlinuz-1"),
        ("", "root/usr/lib/modules/1/modules.order"),
        ("", "root/usr/lib/systemd/boot/efi/systemd-bootx64.efi"),
        ("", "root.tar.gz/x"),
        ('<packages type="image"><archive name="kernel.tar"/></packages>', "kernel.tar/x"),
        ('<packages type="image"><file name="k" target="/boot/vmlinuz-1"/></packages>', ""),
    ],
)
def test_what_comes_in_no_package_is_found_out_later(write: Callable[..., Path], body: str, file: str) -> None:
    check(write, (), body=body, file=file)


@pytest.mark.parametrize("file", ["root/etc/motd", "root/usr/lib/systemd/system/own.service"])
def test_an_overlay_without_what_starts_a_disk_changes_nothing(write: Callable[..., Path], file: str) -> None:
    with pytest.raises(BuildError, match="no kernel"):
        check(write, (), file=file)


def test_other_types_are_left_alone(write: Callable[..., Path]) -> None:
    folder = write()
    require_startable(make_plan(load(folder), arch="x86_64"), {}, folder, where=WHERE)
