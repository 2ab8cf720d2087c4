# SPDX-License-Identifier: Apache-2.0
"""Filesystems written in the middle of a file: sound, equal twice, complete, and nothing beside is touched."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import msgspec
import pytest
from msgspec.structs import replace

from runner.disk.filesystems.api import FilesystemSpec, Place
from runner.disk.filesystems.registry import MODULES, filesystem_for
from runner.errors import BuildError
from runner.plan.sizes import least_mib

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.integration

EPOCH = 1_700_000_000
MEBIBYTE = 1 << 20
OFFSET = 3 * MEBIBYTE
UUID = "01234567-89ab-4def-8123-456789abcdef"
CHECKS = {
    "btrfs": ("btrfs", "check", "--readonly"),
    "ext2": ("e2fsck", "-fn"),
    "ext3": ("e2fsck", "-fn"),
    "ext4": ("e2fsck", "-fn"),
    "fat16": ("fsck.fat", "-n"),
    "fat32": ("fsck.fat", "-n"),
    "erofs": ("fsck.erofs",),
    "squashfs": ("unsquashfs", "-l"),
    "xfs": ("xfs_repair", "-n", "-f"),
}
KINDS = sorted(MODULES)
NAMES = {"erofs": {"UUID"}, "squashfs": set[str]()}
"""What a filesystem can be found by, where that is not a UUID and a label."""


def spec(kind: str) -> FilesystemSpec:
    uuid = "0123-CDEF" if kind.startswith("fat") else UUID
    return FilesystemSpec(kind=kind, label="LABEL", uuid=uuid, hash_uuid=UUID, epoch=EPOCH)


def tree(root: Path, *, reverse: bool = False) -> Path:
    """Files that every filesystem can hold, made in one order or the other."""
    names = ["EFI/BOOT/BOOTX64.EFI", "EFI/debian/grub.cfg", "a long name with spaces.txt", "empty", "loader/x"]
    for name in reversed(names) if reverse else names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * (0 if name == "empty" else 5000))
    for path in [root, *root.rglob("*")]:
        os.utime(path, (EPOCH + 50, EPOCH - 100))
    return root


def made(kind: str, root: Path, folder: Path) -> tuple[Path, int]:
    """Write ``root`` into a disk of its own; return the disk and the size of the filesystem."""
    folder.mkdir()
    (folder / "scratch").mkdir()
    writer = filesystem_for(kind)
    size = writer.need(spec(kind), root, folder / "scratch")
    disk = folder / "disk"
    with disk.open("wb") as stream:
        stream.truncate(OFFSET + size + 2 * MEBIBYTE)
    writer.write(spec(kind), root, Place(disk, OFFSET, size), scratch=folder / "scratch")
    assert list((folder / "scratch").glob("vfat")) == []
    return disk, size


def cut_out(disk: Path, size: int) -> Path:
    path = disk.with_name("filesystem")
    with disk.open("rb") as stream:
        stream.seek(OFFSET)
        path.write_bytes(stream.read(size))
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_sound_named_and_touches_nothing_else(kind: str, tmp_path: Path) -> None:
    disk, size = made(kind, tree(tmp_path / "tree"), tmp_path / "one")
    data = disk.read_bytes()
    assert not any(data[:OFFSET])
    assert not any(data[OFFSET + size :])
    image = cut_out(disk, size)
    shown = subprocess.run(["blkid", "-p", "-o", "export", image], capture_output=True, text=True, check=True)
    facts = dict(line.split("=", 1) for line in shown.stdout.splitlines())
    wanted = {"LABEL": "LABEL", "UUID": spec(kind).uuid}
    names = {name: facts[name] for name in wanted if name in facts}
    assert names == {name: value for name, value in wanted.items() if name in NAMES.get(kind, wanted)}
    if kind in CHECKS:
        check = subprocess.run([*CHECKS[kind], image], capture_output=True, text=True, check=False)
        assert check.returncode == 0, check.stdout + check.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_same_from_a_tree_made_in_another_order(kind: str, tmp_path: Path) -> None:
    first, _ = made(kind, tree(tmp_path / "tree"), tmp_path / "one")
    second, _ = made(kind, tree(tmp_path / "again", reverse=True), tmp_path / "two")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("kind", ["fat16", "fat32"])
def test_files_of_a_fat_come_back(kind: str, tmp_path: Path) -> None:
    root = tree(tmp_path / "tree")
    disk, _ = made(kind, root, tmp_path / "one")
    out = tmp_path / "out"
    out.mkdir()
    image = f"{disk}@@{OFFSET}"
    subprocess.run(
        ["mcopy", "-s", "-i", image, "::/*", out], check=True, env={**os.environ, "MTOOLS_SKIP_CHECK": "1"}
    )
    assert {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()} == {
        path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize(
    ("kind", "mebibytes", "sector_bytes", "cluster"),
    [
        ("fat16", 3, 512, 512),
        ("fat16", 20, 512, 4096),
        ("fat16", 17, 4096, 4096),
        ("fat16", 300, 512, 8192),
        ("fat32", 33, 512, 512),
        ("fat32", 40, 512, 512),
        ("fat32", 100, 512, 1024),
        ("fat32", 257, 4096, 4096),
        ("fat32", 300, 512, 4096),
    ],
)
def test_a_fat_of_any_size_is_of_its_kind(
    kind: str, mebibytes: int, sector_bytes: int, cluster: int, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    with disk.open("wb") as stream:
        stream.truncate(mebibytes * MEBIBYTE)
    said = replace(spec(kind), sector_bytes=sector_bytes)
    place = Place(disk, 0, mebibytes * MEBIBYTE)
    filesystem_for(kind).write(said, tree(tmp_path / "tree"), place, scratch=tmp_path)
    check = subprocess.run(["fsck.fat", "-n", "-v", disk], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout
    assert f"{cluster} bytes per cluster" in check.stdout
    assert "few clusters" not in check.stdout.lower()
    shown = subprocess.run(["blkid", "-p", "-o", "export", disk], capture_output=True, text=True, check=True)
    assert f"VERSION=FAT{kind.removeprefix('fat')}" in shown.stdout


@pytest.mark.parametrize("kind", KINDS)
def test_rules_know_the_least_size(kind: str, tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    least = filesystem_for(kind).need(spec(kind), tmp_path / "tree", tmp_path) // MEBIBYTE
    assert least_mib(kind, 512) in {0, least}


def test_a_link_cannot_lie_in_a_fat(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree")
    (root / "link").symlink_to("empty")
    with pytest.raises(BuildError, match="link cannot lie"):
        made("fat16", root, tmp_path / "one")


@pytest.mark.parametrize(
    ("name", "said"), [("efi", 'efipartsize="18"'), ("data", '<partition name="data" size="18">')]
)
def test_a_fat_partition_that_is_too_small_is_told_of(name: str, said: str, tmp_path: Path) -> None:
    root = tree(tmp_path / "tree")
    (root / "kernel").write_bytes(os.urandom(20 * MEBIBYTE))
    disk = tmp_path / "disk"
    with disk.open("wb") as stream:
        stream.truncate(17 * MEBIBYTE)
    asked = msgspec.structs.replace(spec("fat16"), partition=name)
    with pytest.raises(BuildError, match=f"the partition {name} is too small") as caught:
        filesystem_for("fat16").write(asked, root, Place(disk, 0, 17 * MEBIBYTE), scratch=tmp_path)
    assert (caught.value.why, caught.value.hint) == (
        "no room is left for /kernel",
        f"say {said} or more, or leave something out",
    )


def test_an_unknown_filesystem_is_refused() -> None:
    with pytest.raises(BuildError, match="zfs"):
        filesystem_for("zfs")
