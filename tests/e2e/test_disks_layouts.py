# SPDX-License-Identifier: Apache-2.0
"""Disks of another shape than the example's: each starts, and has grown, in a virtual machine."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.support.image_files import only
from tests.support.packhouse import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.packhouse import Packhouse

pytestmark = [pytest.mark.e2e, pytest.mark.network, pytest.mark.xdist_group("e2e-disks")]

PASSWORD = {"PACKHOUSE_BOOT_PASSWORD": "packhouse"}
TYPE = 'firmware="efi" efipartsize="33" format="qcow2"'
OEM = "<oem-resize>true</oem-resize>"
PATIENCE = {'kernelcmdline="': 'kernelcmdline="systemd.default_device_timeout_sec=900 '}
"""A busy machine without KVM does not find its devices in the usual 90 seconds."""

SUBVOLUMES = {"/": "/root", "/home": "/home", "/srv": "/root/srv"}
HEALTHY = "systemctl is-system-running --wait || { systemctl --failed; exit 1; }"


def start(packhouse: Packhouse, folder: Path, edits: dict[str, str], firmware: str, *checks: str) -> None:
    """Build the example's disk after ``edits`` of its description, start it, and have it run ``checks``."""
    description = shutil.copytree(PROJECT / "examples/debian-server", folder / "description")
    file = description / "appliance.kiwi"
    text = file.read_text()
    for before, after in (PATIENCE | edits).items():
        assert before in text
        text = text.replace(before, after, 1)
    file.write_text(text)
    packhouse.run("build", description, "--profile", "trixie", "--profile", "grub", "--target-dir", folder / "out")
    script = folder / "check.sh"
    script.write_text("\n".join(["#!/bin/sh", "set -eux", HEALTHY, *checks, ""]))
    packhouse.run(
        "boot", only(folder / "out", ".qcow2"), "--firmware", firmware, "--disk", "4G", "--run", script,
        "--log", folder / "boot.log", env=PASSWORD, timeout=700,
    )  # fmt: skip


def test_a_bios_and_an_mbr(packhouse: Packhouse, tmp_path: Path) -> None:
    start(
        packhouse,
        tmp_path,
        {TYPE: 'firmware="bios" format="qcow2"', '<package name="vim-tiny"/>': '<package name="fdisk"/>'},
        "bios",
        'test "$(lsblk -no PTTYPE /dev/vda | sort -u)" = dos',
        'test "$(df --output=size -BM / | tail -n1 | tr -dc 0-9)" -gt 3500',
        "/usr/lib/packhouse/grow-root",  # once more: there is nothing to gain
        HEALTHY,
    )


def test_subvolumes_of_a_btrfs(packhouse: Packhouse, tmp_path: Path) -> None:
    volumes = '<volume name="@root=root"/><volume name="home" parent="/"/><volume name="srv" quota="1G"/>'
    start(
        packhouse,
        tmp_path,
        {
            'filesystem="ext4"': 'filesystem="btrfs" btrfs_set_default_volume="false" fsmountoptions="noatime"',
            "</oemconfig>": f"</oemconfig><systemdisk>{volumes}</systemdisk>",
            '<package name="vim-tiny"/>': '<package name="btrfs-progs"/>',
        },
        "uefi",
        *(f'test "$(findmnt -no FSROOT {at})" = {volume}' for at, volume in SUBVOLUMES.items()),
        "findmnt -no OPTIONS / | grep noatime",
        'test "$(df --output=size -BM / | tail -n1 | tr -dc 0-9)" -gt 3500',
        "btrfs qgroup show -r /srv | grep 1.00GiB",
        "btrfs scrub start -B /",  # the kernel reads everything, and compares its checksums
        'test "$(stat -c %a /tmp)" = 1777',
    )


def test_many_partitions_with_efi(packhouse: Packhouse, tmp_path: Path) -> None:
    swap = "<oem-swap>true</oem-swap><oem-swapsize>128</oem-swapsize>"
    var = '<partitions><partition name="var" size="512" mountpoint="/var" filesystem="ext4"/></partitions>'
    start(
        packhouse,
        tmp_path,
        {
            TYPE: f'{TYPE} eficsm="false" bootpartition="true" bootfilesystem="ext4"',
            OEM: OEM + swap,
            "</oemconfig>": f"</oemconfig>{var}",
        },
        "uefi",
        'for place in / /boot /var; do test "$(findmnt -no FSTYPE $place)" = ext4; done',
        'test "$(findmnt -no FSTYPE /boot/efi)" = vfat',
        'test "$(swapon --show=SIZE --noheadings --bytes)" -gt 130000000',
        'test "$(df --output=size -BM / | tail -n1 | tr -dc 0-9)" -gt 2500',
        'test "$(lsblk -no PARTTYPENAME /dev/vda | grep -c BIOS)" = 0',
    )
