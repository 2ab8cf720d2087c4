# SPDX-License-Identifier: Apache-2.0
"""What mkfs.xfs cannot be told is in the filesystem all the same: xfs_db and xfs_repair read it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from runner.disk.filesystems import xfs
from runner.disk.filesystems.api import FilesystemSpec, Place
from runner.errors import BuildError

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("mkfs.xfs", path="/usr/sbin:/sbin:/usr/bin") is None, reason="no xfsprogs"),
]

EPOCH = 1_700_000_000
OLDER = 1_600_000_000
UUID = "01234567-89ab-4def-8123-456789abcdef"
SPEC = FilesystemSpec(kind="xfs", label="ROOT", uuid=UUID, hash_uuid=UUID, epoch=EPOCH)
MANY = 1500


def tree(root: Path) -> Path:
    (root / "d/a folder").mkdir(parents=True)
    (root / "d/a folder/ two  spaces ").write_bytes(b"x" * 70_000)
    (root / ":colon").write_text("c")
    (root / "link").symlink_to("some where")
    (root / "first").write_text("1")
    (root / "first").chmod(0o4755)
    (root / "d/second").hardlink_to(root / "first")
    os.setxattr(root / "first", "user.note", b"a\0b")
    (root / "sticky").mkdir()
    (root / "sticky").chmod(0o1777)
    os.mkfifo(root / "fifo")
    (root / "many").mkdir()
    for number in range(MANY):
        (root / f"many/a-name-that-is-not-short-{number}").write_text(str(number))
    for path in [root, *root.rglob("*")]:
        os.utime(path, (OLDER, OLDER), follow_symlinks=False)
    return root


def write(root: Path, folder: Path) -> Path:
    folder.mkdir()
    disk, size = folder / "disk", xfs.need(SPEC, root, folder)
    with disk.open("xb") as file:
        file.truncate(size)
    xfs.write(SPEC, root, Place(disk, 0, size), scratch=folder)
    return disk


def shown(disk: Path, *commands: str) -> str:
    asked = [word for command in commands for word in ("-c", command)]
    run = subprocess.run(["xfs_db", "-r", "-f", *asked, disk], capture_output=True, text=True, check=True)
    return run.stdout


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("xfs")
    return write(tree(folder / "tree"), folder / "out")


def test_it_needs_no_repair(disk: Path) -> None:
    said = subprocess.run(["xfs_repair", "-n", "-f", disk], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout
    assert "would" not in said.stdout


def test_names_with_spaces_are_there_and_in_their_place(disk: Path) -> None:
    folder = re.search(r"(\d+) +directory .* a folder \(good\)", shown(disk, "ls /d"))
    assert folder is not None
    assert " two  spaces  (good)" in shown(disk, f"inode {folder[1]}", "ls")
    assert ":colon (good)" in shown(disk, "ls /")
    assert 'symlink = "some where"' in shown(disk, "path /link", "p")


def test_many_names_are_all_found_by_their_hash(disk: Path) -> None:
    listed = shown(disk, "ls /many")
    assert listed.count("(good)") == MANY + 2
    assert "corrupt" not in listed


def test_links_modes_times_and_attributes_are_kept(disk: Path) -> None:
    first, second = shown(disk, "path /first", "p"), shown(disk, "path /d/second", "p")
    assert first == second
    assert re.search(r"core\.mode = 0104755\n(.*\n)*core\.nlinkv2 = 2\n", first)
    assert re.search(r'name = "note"\n.*value = "a\\000b"', first)
    assert "mtime.sec = Sun Sep 13 12:26:40 2020" in first
    assert "core.mode = 041777" in shown(disk, "path /sticky", "p")


def test_it_is_the_same_from_a_tree_in_memory(disk: Path) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:  # another filesystem is the point
        again = write(tree(Path(memory) / "tree"), Path(memory) / "out")
        assert again.read_bytes() == disk.read_bytes()


def test_attributes_that_do_not_fit_are_told_of(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "file").touch()
    os.setxattr(root / "file", "user.long", b"x" * 250)
    os.setxattr(root / "file", "user.longer", b"y" * 250)
    with pytest.raises(BuildError, match=r"attributes of .*file do not fit") as caught:
        write(root, tmp_path / "out")
    assert "size=1024" in str(caught.value.hint)


def test_a_name_without_a_stand_in_is_told_of(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "$").touch()
    with pytest.raises(BuildError, match="file name"):
        write(root, tmp_path / "out")
