# SPDX-License-Identifier: Apache-2.0
"""``examples/debian-server`` with systemd-boot and a unified kernel image: as it is, and with a sealed root."""

from __future__ import annotations

import json
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
CHECK = """\
set -eux
systemctl is-system-running --wait || { systemctl --failed; exit 1; }
cat /sys/firmware/efi/efivars/LoaderEntrySelected-* | tr -d '\\0' | grep -aq 'debian-.*[.]efi$'
systemctl is-active ssh.service
"""
GROWN = """\
test "$(findmnt -no FSTYPE /)" = ext4
test "$(df --output=size -BM / | tail -n1 | tr -dc 0-9)" -gt 2500
"""
UNDER_VERITY = """\
test "$(findmnt -no FSTYPE /)" = overlay
dmsetup status root | grep -q ' verity V$'
test "$(dmsetup info --columns --noheadings -o open root)" = 1
grep -q "roothash=$(lsblk -no PARTUUID /dev/vda3 | tr -d '\\n-')" /proc/cmdline
touch /etc/written
"""
SEALED = {
    'filesystem="ext4" firmware="efi" eficsm="false"': (
        'filesystem="squashfs" squashfscompression="zstd" verity_blocks="all" firmware="efi" eficsm="false"'
    ),
    "ttyS0,115200n8": "ttyS0,115200n8 systemd.volatile=overlay",
    "<oem-resize>true</oem-resize>": "<oem-resize>false</oem-resize>",
    '<package name="initramfs-tools"/>': '<package name="dracut"/><package name="systemd-cryptsetup"/>',
}
"""Edits of the profile ``uki``: a root that nobody can change, under one in memory."""


def start(packhouse: Packhouse, description: Path, suite: str, folder: Path, check: str) -> None:
    profiles = ("--profile", "uki", "--profile", suite)
    packhouse.run("build", description, *profiles, "--target-dir", folder / "out")
    made = json.loads(only(folder / "out", ".manifest.json").read_text())["image"]
    script = folder / "check.sh"
    known = f"grep -q 'roothash={made['rootHash']}' /proc/cmdline\n" if "rootHash" in made else ""
    script.write_text(f"#!/bin/sh\n{CHECK}{check}{known}")
    assert ("rootHash" in made) != ("growth" in made)
    options = ("--firmware", "uefi", "--disk", "4G", "--run", script, "--log", folder / "boot.log")
    packhouse.run("boot", only(folder / "out", ".qcow2"), *options, env=PASSWORD, timeout=700)


def test_a_unified_kernel_starts_a_root_that_grows(packhouse: Packhouse, tmp_path: Path) -> None:
    start(packhouse, PROJECT / "examples/debian-server", "bookworm", tmp_path, GROWN)


def test_a_unified_kernel_starts_a_root_under_verity(packhouse: Packhouse, tmp_path: Path) -> None:
    description = shutil.copytree(PROJECT / "examples/debian-server", tmp_path / "description")
    appliance = description / "appliance.kiwi"
    before, mark, profile = appliance.read_text().partition('<preferences profiles="uki">')
    for old, new in SEALED.items():
        assert old in profile
        profile = profile.replace(old, new, 1)
    appliance.write_text(before + mark + profile)
    start(packhouse, description, "trixie", tmp_path, UNDER_VERITY)
