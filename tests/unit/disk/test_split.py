# SPDX-License-Identifier: Apache-2.0
"""A tree is divided where partitions are mounted, and nothing outside of it is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.disk.split import PartedTree, split
from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_part_has_what_lies_below_its_mountpoint(tmp_path: Path) -> None:
    root, scratch = tmp_path / "tree", tmp_path / "scratch"
    (root / "boot/efi").mkdir(parents=True)
    scratch.mkdir()
    for name in ("boot/vmlinuz", "boot/efi/loader", "top"):
        (root / name).write_text(name)
    parts = split(root, {"root": "/", "boot": "/boot", "efi": "/boot/efi", "srv": "/srv"}, scratch)
    found = {name: sorted(str(path.relative_to(part)) for path in part.rglob("*")) for name, part in parts.items()}
    assert found == {"root": ["boot", "srv", "top"], "boot": ["efi", "vmlinuz"], "efi": ["loader"], "srv": []}


@pytest.mark.parametrize("name", ["..", "", "../outside"])
def test_no_name_leads_out_of_the_folder_for_parts(tmp_path: Path, name: str) -> None:
    (tmp_path / "tree/srv").mkdir(parents=True)
    (tmp_path / "scratch").mkdir()
    with pytest.raises(BuildError, match="cannot be called"):
        split(tmp_path / "tree", {"root": "/", name: "/srv"}, tmp_path / "scratch")


@pytest.mark.parametrize("point", ["/..", "/srv/../../outside", "/link", "/file"])
def test_no_mountpoint_leads_out_of_the_tree(tmp_path: Path, point: str) -> None:
    root, outside = tmp_path / "tree", tmp_path / "outside"
    for folder in (root / "srv", outside, tmp_path / "scratch"):
        folder.mkdir(parents=True)
    (outside / "mine").write_text("mine")
    (root / "link").symlink_to(outside)
    (root / "file").write_text("")
    with pytest.raises(BuildError, match=r"nothing can be mounted at"):
        split(root, {"root": "/", "part": point}, tmp_path / "scratch")
    assert (outside / "mine").read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("/etc/fstab", "root/etc/fstab"),
        ("boot/grub/grub.cfg", "boot/grub/grub.cfg"),
        ("/boot/efi/EFI/Linux/x.efi", "esp/EFI/Linux/x.efi"),
        ("/boot/efivars", "boot/efivars"),
        ("/boots", "root/boots"),
    ],
)
def test_the_nearest_mountpoint_has_it(tmp_path: Path, name: str, expected: str) -> None:
    parts = {"/boot/efi": tmp_path / "esp", "/": tmp_path / "root", "/boot": tmp_path / "boot"}
    assert PartedTree(parts).path(name) == tmp_path / expected


def test_only_files_are_files(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("file")
    tree = PartedTree({"/": tmp_path})
    assert tree.file("/file") == tmp_path / "file"
    for name in ("/link", "missing", "/"):
        with pytest.raises(BuildError, match="the image has no file"):
            tree.file(name)
