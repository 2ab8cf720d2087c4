# SPDX-License-Identifier: Apache-2.0
"""``examples/debian-server``: disks that boot, grow, and come out equal."""

from __future__ import annotations

import json
import subprocess
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
set -eu
systemctl is-system-running --wait || { systemctl --failed; exit 1; }
test "$(findmnt -no FSTYPE /)" = ext4
test "$(df --output=size -BM / | tail -n1 | tr -dc 0-9)" -gt 2500
systemctl is-active ssh.service
ls /etc/ssh/ssh_host_ed25519_key
test "$(wc -c </etc/machine-id)" = 33
test ! -e /boot/.packhouse-early.cfg
"""


def build(packhouse: Packhouse, target: Path, *profiles: str) -> Path:
    asked = [word for name in profiles for word in ("--profile", name)]
    packhouse.run("build", PROJECT / "examples/debian-server", *asked, "--target-dir", target)
    return only(target, ".qcow2")


@pytest.fixture(scope="module")
def grub(packhouse: Packhouse, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(packhouse, tmp_path_factory.mktemp("grub") / "out", "grub", "trixie")


def start(packhouse: Packhouse, disk: Path, folder: Path, *more: str) -> None:
    script = folder / "check.sh"
    script.write_text(f"#!/bin/sh\n{CHECK}")
    options: tuple[str | Path, ...] = ("--disk", "4G", "--log", folder / "boot.log", *more)
    packhouse.run("boot", disk, "--run", script, *options, env=PASSWORD, timeout=700)


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_one_disk_starts_from_both_firmwares_and_grows(
    grub: Path, packhouse: Packhouse, tmp_path: Path, firmware: str
) -> None:
    start(packhouse, grub, tmp_path, "--firmware", firmware)


def test_a_machine_that_checks_signatures_starts_it(packhouse: Packhouse, tmp_path: Path) -> None:
    disk = build(packhouse, tmp_path / "out", "secure", "bookworm")
    start(packhouse, disk, tmp_path, "--firmware", "secure")


def test_the_manifest_tells_what_grows_the_root(grub: Path) -> None:
    manifest = json.loads(only(grub.parent, ".manifest.json").read_text())
    assert manifest["image"]["growth"] == "systemd-repart"


def test_the_same_disk_comes_out_again(grub: Path, packhouse: Packhouse, tmp_path: Path) -> None:
    again = build(packhouse, tmp_path / "out", "grub", "trixie")
    assert again.read_bytes() == grub.read_bytes()


def test_other_tools_find_the_disk_whole(grub: Path, tmp_path: Path) -> None:
    raw = tmp_path / "disk.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", grub, raw], check=True)
    command: list[str | Path] = ["partx", "--pairs", "--output", "NR,NAME,START", raw]
    listed = subprocess.run(command, check=True, capture_output=True, text=True)
    assert listed.stdout.splitlines() == [
        'NR="1" NAME="p.legacy" START="2048"',
        'NR="2" NAME="p.UEFI" START="6144"',
        'NR="3" NAME="p.lxroot" START="73728"',
    ]
    with raw.open("rb") as file, (tmp_path / "root.ext4").open("wb") as root:
        file.seek(73728 * 512)
        root.write(file.read())
    subprocess.run(["e2fsck", "-f", "-n", tmp_path / "root.ext4"], check=True)
