# SPDX-License-Identifier: Apache-2.0
"""btrfs-progs finds no fault in a btrfs of ours, and in it what was in the tree."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

import pytest

from runner.disk.filesystems import btrfs
from runner.disk.filesystems.api import FilesystemSpec, Place
from runner.disk.subvolumes import Subvolume
from runner.errors import BuildError
from runner.plan.sizes import least_mib
from tests.integration.create.facts import Fact, facts
from tests.integration.create.trees import CAPABILITY, EPOCH, OLD, grow, with_acl

pytestmark = [
    pytest.mark.integration,
    pytest.mark.root,
    pytest.mark.skipif(
        shutil.which("btrfs", path="/usr/sbin:/sbin:/usr/bin:/bin") is None, reason="no btrfs-progs"
    ),
]

UUID = "01234567-89ab-4def-8123-456789abcdef"
MEBIBYTE = 1 << 20
OFFSET = 3 * MEBIBYTE
SPARSE, BORDER = 10 * MEBIBYTE, 60 * MEBIBYTE
LAYOUTS = {
    "top": (),
    "nested": (
        Subvolume(path="@", mountpoint="/", is_default=True),
        Subvolume(path="@/home", mountpoint="/home"),
        Subvolume(path="@/var/log", mountpoint="/var/log", copy_on_write=False, quota_bytes=1 << 30),
    ),
    "flat": (
        Subvolume(path="root", mountpoint="/"),
        Subvolume(path="home", mountpoint="/home"),
        Subvolume(path="data/log", mountpoint="/var/log"),
    ),
    "snapshot": (
        Subvolume(path="@"),
        Subvolume(path="@/.snapshots", mountpoint="/.snapshots"),
        Subvolume(path="@/.snapshots/1/snapshot", mountpoint="/", is_default=True, read_only=True),
        Subvolume(path="@/home", mountpoint="/home"),
        Subvolume(path="@/var/log", mountpoint="/var/log"),
    ),
}


def spec(layout: str) -> FilesystemSpec:
    return FilesystemSpec(
        kind="btrfs",
        label="ROOT",
        uuid=UUID,
        hash_uuid=UUID,
        epoch=EPOCH,
        subvolumes=LAYOUTS[layout],
        quota_groups=layout != "flat",
    )


def tree(root: Path, order: int = 0) -> Path:
    grow(root, order=order)
    for name in ("home/user", "var/log", ".snapshots/1"):
        (root / name).mkdir(parents=True)
    (root / "home/user/file").write_bytes(b"content " * 9000)
    (root / "var/log/messages").write_bytes(b"line\n" * 5000)
    (root / ".snapshots/1/info.xml").write_text("<snapshot/>")
    with (root / "lib/sparse").open("wb") as file:
        file.write(b"begin")
        file.seek(SPARSE // 2)
        file.write(b"middle")
        file.truncate(SPARSE)
    (root / "lib/long").write_bytes(bytes(range(1, 256)) * (BORDER // 255))  # passes the second superblock
    os.setxattr(root / "lib/long", "user.large", b"v" * 3000)
    for number in range(1500):
        (root / "home/user" / f"a-name-that-is-not-short-{number}").touch()
    with_acl(root)
    for path in [root, *root.rglob("*")]:
        os.utime(path, (OLD, OLD), follow_symlinks=False)
    os.utime(root / "lib/m9")  # newer than the epoch
    return root


def write(layout: str, root: Path, folder: Path) -> Path:
    """Write ``root`` into the middle of a disk and return the filesystem cut out."""
    folder.mkdir()
    disk, size = folder / "disk", btrfs.need(spec(layout), root, folder)
    with disk.open("xb") as file:
        file.truncate(OFFSET + size)
    btrfs.write(spec(layout), root, Place(disk, OFFSET, size), scratch=folder)
    image = folder / "btrfs"
    subprocess.run(
        ["dd", f"if={disk}", f"of={image}", "bs=1M", "skip=3", "conv=sparse", "status=none"], check=True
    )
    os.truncate(image, size)
    disk.unlink()
    return image


def shown(*command: str | Path) -> str:
    run = subprocess.run(["btrfs", *command], capture_output=True, text=True, errors="replace", check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tree(tmp_path_factory.mktemp("tree") / "root")


@pytest.fixture(scope="module")
def image(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write("top", root, tmp_path_factory.mktemp("top") / "out")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_is_clean(layout: str, root: Path, tmp_path: Path) -> None:
    path = write(layout, root, tmp_path / "out")
    shown("check", "--readonly", "--check-data-csum", path)
    shown("check", "--readonly", "--mode=lowmem", path)
    roots = shown("inspect-internal", "dump-tree", "-t", "root", path)
    names = re.findall(r"root ref key dirid \d+ sequence \d+ name (\S+)", roots)
    assert sorted({*names}) == sorted(entry.path.rpartition("/")[2] for entry in LAYOUTS[layout])
    assert ("RDONLY" in roots) == (layout == "snapshot")


def comparable(found: dict[bytes, Fact]) -> dict[bytes, Fact]:
    """Without what ``btrfs restore`` does not make: nodes, attributes of folders, one file with several names."""
    kept = {name: fact._replace(links=()) for name, fact in found.items()}
    kept |= {name: fact._replace(xattrs=()) for name, fact in kept.items() if fact.kind == stat.S_IFDIR}
    return {name: fact for name, fact in kept.items() if fact.kind in {stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK}}


def test_files_come_back(image: Path, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    shown("restore", "--metadata", "--xattr", "--symlinks", "--snapshots", image, out)
    found, expected = comparable(facts(out, epoch=EPOCH)), comparable(facts(root, epoch=EPOCH))
    assert found.keys() == expected.keys()
    assert {name: (found[name], expected[name]) for name in found if found[name] != expected[name]} == {}
    assert found[b"lib/m5"].xattrs == ((b"security.capability", CAPABILITY),)


def test_nodes_links_and_holes_are_there(image: Path) -> None:
    items = shown("inspect-internal", "dump-tree", "-t", "5", image)
    inodes = dict(re.findall(r"item \d+ key \((\d+) INODE_ITEM 0\).*\n(\t\t.*\n(?:\t\t.*\n)*)", items))
    names = re.findall(r"location key \((\d+) INODE_ITEM 0\) type (\w+)\n.*\n\t\tname: (\S+)", items)
    of = {name: inodes[number] for number, _, name in names}
    assert items.count("name: system.posix_acl_") == 2
    assert {name: kind for _, kind, name in names if name in {"null", "disk", "pipe", "socket"}} == {
        "null": "CHRDEV",
        "disk": "BLKDEV",
        "pipe": "FIFO",
        "socket": "SOCK",
    }
    assert f"rdev {1 << 20 | 3}\n" in of["null"]  # the kernel's own numbering, of which it is read
    assert f"rdev {8 << 20 | 300}\n" in of["disk"]
    assert len({of[name] for name in ("block", "second", "zlink")}) == 1
    assert "links 3 " in of["block"]
    assert f"size {SPARSE} nbytes {2 * 16 * 4096}" in of["sparse"]


@pytest.mark.parametrize("layout", ["top", "nested"])
def test_it_is_the_same_from_a_tree_in_memory(layout: str, root: Path, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:  # another filesystem is the point
        again = tree(Path(memory) / "tree", order=1)
        first, second = write(layout, root, tmp_path / "a"), write(layout, again, tmp_path / "b")
        assert first.read_bytes() == second.read_bytes()


def test_one_that_is_too_small_says_by_how_much(root: Path, tmp_path: Path) -> None:
    for size in (20 * MEBIBYTE, 90 * MEBIBYTE):  # the content does not fit, and the trees do not
        disk = tmp_path / f"disk-{size}"
        with disk.open("wb") as file:
            file.truncate(size)
        with pytest.raises(BuildError, match="too small for the root tree by"):
            btrfs.write(spec("top"), root, Place(disk, 0, size), scratch=tmp_path)


def test_the_smallest_is_as_large_as_the_plan_thinks(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    assert btrfs.need(spec("top"), tmp_path / "tree", tmp_path) == least_mib("btrfs", 512) * MEBIBYTE
    shown("check", "--readonly", write("top", tmp_path / "tree", tmp_path / "out"))


def test_a_file_with_names_in_several_subvolumes_has_room_in_each(tmp_path: Path) -> None:
    root = tmp_path / "root"
    for folder in ("home", "var/log", "srv"):
        (root / folder).mkdir(parents=True)
    (root / "home/file").write_bytes(os.urandom(20 * MEBIBYTE))
    for name in ("home/again", "file", "srv/again", "var/log/file"):
        os.link(root / "home/file", root / name)
    subprocess.run(["btrfs", "check", write("nested", root, tmp_path / "out")], check=True, capture_output=True)


def test_what_cannot_be_kept_is_told_of(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    (root / "etc").mkdir(parents=True)
    (root / "etc/first").touch()
    for number in range(200):
        (root / f"etc/{number:0100}").hardlink_to(root / "etc/first")
    with pytest.raises(BuildError, match="cannot be written into a btrfs"):
        write("top", root, tmp_path / "out")


def test_a_file_where_a_subvolume_is_to_be_is_told_of(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    (root / "var/log").mkdir(parents=True)
    (root / "data").touch()
    volumes = (Subvolume(path="@", mountpoint="/"), Subvolume(path="@/data", mountpoint="/var/log"))
    asked = FilesystemSpec(kind="btrfs", label="", uuid=UUID, hash_uuid=UUID, epoch=0, subvolumes=volumes)
    disk = tmp_path / "disk"
    disk.touch()
    with pytest.raises(BuildError, match="the subvolume @/data cannot be made"):
        btrfs.write(asked, root, Place(disk, 0, 1 << 30), scratch=tmp_path)
