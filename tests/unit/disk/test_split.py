# SPDX-License-Identifier: Apache-2.0
"""Where files of a tree are whose parts lie elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.disk.split import PartedTree
from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path


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
