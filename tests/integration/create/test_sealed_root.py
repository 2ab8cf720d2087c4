# SPDX-License-Identifier: Apache-2.0
"""Disks with a root that is read only, with and without dm-verity, from description to the last byte."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from runner.create.pipeline import create
from runner.description import load
from runner.errors import BuildError
from runner.plan import make_plan
from tests.integration.create.trees import EPOCH, SEED, grow, workshop
from tests.support.descriptions import write_description
from tests.support.pe import efi_program

if TYPE_CHECKING:
    from pathlib import Path

    from runner.plan.model import Plan

pytestmark = [pytest.mark.integration, pytest.mark.root]

SECTOR, MEBIBYTE = 512, 1 << 20
TYPE = """<preferences><type image="oem" filesystem="{filesystem}" firmware="efi" eficsm="false" {more}
    initrd_system="none"><bootloader name="systemd_boot"/>{parts}</type></preferences>"""
VERITY = 'verity_blocks="all"'
FILESYSTEMS = ("ext4", "squashfs", "erofs")

needs_veritysetup = pytest.mark.skipif(
    shutil.which("veritysetup", path="/usr/sbin:/sbin:/usr/bin") is None, reason="cryptsetup is not installed"
)


def planned(folder: Path, filesystem: str, more: str, *parts: str) -> Plan:
    """``parts`` are the names of partitions mounted in ``/srv``."""
    inside = "".join(
        f'<partition name="{name}" size="16" mountpoint="/srv/{name}" filesystem="ext4"/>' for name in parts
    )
    own = f"<partitions>{inside}</partitions>" if parts else ""
    body = TYPE.format(filesystem=filesystem, more=more, parts=own)
    return make_plan(load(write_description(folder, body)), type_name="oem", arch="x86_64")


def system(root: Path, *, order: int = 0) -> Path:
    """A tree with everything that makes a disk of it without a program of its own being run."""
    grow(root, order=order)
    (root / "srv/socket").unlink()
    for name, content in {
        "boot/vmlinuz-6.1": efi_program(),
        "usr/lib/modules/6.1/kernel/x.ko": b"x",
        "usr/lib/systemd/boot/efi/systemd-bootx64.efi": efi_program(),
        "usr/lib/systemd/systemd-veritysetup": b"opens roots",
        "usr/lib/os-release": b"ID=tiny\n",
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


def build(plan: Plan, root: Path, target: Path) -> Path:
    target.mkdir()
    create(plan, root, target, epoch=EPOCH, seed=SEED, workshop=workshop())
    (disk,) = target.glob("*.raw")
    return disk


def partitions(disk: Path) -> dict[str, dict[str, str]]:
    columns = "NAME,START,SECTORS,TYPE,UUID"
    done = subprocess.run(
        ["partx", "--pairs", "--output", columns, disk], capture_output=True, text=True, check=True
    )
    rows = [
        dict(pair.split("=", 1) for pair in line.replace('"', "").split()) for line in done.stdout.splitlines()
    ]
    return {row["NAME"]: row for row in rows}


def cut_out(disk: Path, row: dict[str, str]) -> Path:
    path = disk.with_name(row["NAME"])
    with disk.open("rb") as stream:
        stream.seek(int(row["START"]) * SECTOR)
        path.write_bytes(stream.read(int(row["SECTORS"]) * SECTOR))
    return path


def entry_of(disk: Path) -> str:
    esp = cut_out(disk, partitions(disk)["p.UEFI"])
    command: list[str | Path] = ["mtype", "-i", esp, "::/loader/entries/tiny-6.1.conf"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def verify(data: Path, hashes: Path, root_hash: str) -> bool:
    command: list[str | Path] = ["/usr/sbin/veritysetup", "verify", data, hashes, root_hash]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@needs_veritysetup
@pytest.mark.parametrize("filesystem", FILESYSTEMS)
def test_every_block_of_the_root_is_under_the_hash_the_kernel_is_told(filesystem: str, tmp_path: Path) -> None:
    disk = build(planned(tmp_path / "d", filesystem, VERITY), system(tmp_path / "tree"), tmp_path / "out")
    found, entry = partitions(disk), entry_of(disk)
    (root_hash,) = (word.partition("=")[2] for word in entry.split() if word.startswith("roothash="))
    root, hashes = found["p.lxroot"], found["p.lxverity"]
    assert (root["UUID"] + hashes["UUID"]).replace("-", "") == root_hash
    assert hashes["TYPE"].upper() == "2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5"
    assert "root=/dev/mapper/root ro" in entry
    data, tree = cut_out(disk, root), cut_out(disk, hashes)
    assert verify(data, tree, root_hash)
    with data.open("r+b") as stream:
        stream.seek(data.stat().st_size - 1)
        stream.write(b"\x01")
    assert not verify(data, tree, root_hash)


@needs_veritysetup
@pytest.mark.parametrize("filesystem", FILESYSTEMS)
def test_two_builds_are_equal(filesystem: str, tmp_path: Path) -> None:
    plan = planned(tmp_path / "d", filesystem, VERITY)
    first = build(plan, system(tmp_path / "tree"), tmp_path / "one")
    second = build(plan, system(tmp_path / "another", order=5), tmp_path / "two")
    assert first.read_bytes() == second.read_bytes()


@needs_veritysetup
def test_a_partition_may_be_called_like_what_is_made_on_the_way(tmp_path: Path) -> None:
    names = ("data", "data.work", "empty", "hashes", "images", "root.image", "trees", "verity.image", "work")
    plan = planned(tmp_path / "d", "squashfs", VERITY, *names)
    root = system(tmp_path / "tree")
    for name in names:
        (root / "srv" / name).mkdir()
        (root / "srv" / name / "mine").write_text(name)
    disk = build(plan, root, tmp_path / "out")
    for name in names:
        image = cut_out(disk, partitions(disk)[f"p.lx{name}"])
        shown = subprocess.run(["debugfs", "-R", "cat /mine", image], capture_output=True, text=True, check=True)
        assert shown.stdout == name


def test_squashfs_alone_is_found_by_its_partition(tmp_path: Path) -> None:
    plan = planned(tmp_path / "d", "squashfs", 'squashfscompression="lz4"')
    disk = build(plan, system(tmp_path / "tree"), tmp_path / "out")
    root = partitions(disk)["p.lxroot"]
    assert f"root=PARTUUID={root['UUID']} ro" in entry_of(disk)
    assert int(root["SECTORS"]) * SECTOR == MEBIBYTE  # nothing is kept free
    image = cut_out(disk, root)
    fstab = subprocess.run(["unsquashfs", "-cat", image, "etc/fstab"], capture_output=True, text=True, check=True)
    assert f"PARTUUID={root['UUID']} / squashfs defaults 0 1\n" in fstab.stdout
    listed = subprocess.run(["unsquashfs", "-s", image], capture_output=True, text=True, check=True)
    assert "Compression lz4" in listed.stdout


def test_an_image_that_could_not_open_its_root_is_refused(tmp_path: Path) -> None:
    root = system(tmp_path / "tree")
    (root / "usr/lib/systemd/systemd-veritysetup").unlink()
    with pytest.raises(BuildError, match="cannot open a root under dm-verity"):
        build(planned(tmp_path / "d", "squashfs", VERITY), root, tmp_path / "out")


def test_an_efi_partition_that_is_too_small_says_what_it_needs(tmp_path: Path) -> None:
    root = system(tmp_path / "tree")
    (root / "boot/vmlinuz-6.1").write_bytes(efi_program() + bytes(30 * MEBIBYTE))
    with pytest.raises(BuildError, match="efi is too small: 12 MiB are missing") as caught:
        build(planned(tmp_path / "d", "squashfs", ""), root, tmp_path / "out")
    assert caught.value.hint == 'say efipartsize="32" or more, or leave something out'
