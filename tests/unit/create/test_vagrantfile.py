# SPDX-License-Identifier: Apache-2.0
"""Where a box's Vagrantfile comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.create.formats.vagrantfile import embedded

if TYPE_CHECKING:
    from pathlib import Path


def test_the_description_s_own_is_found_in_the_tree(tmp_path: Path) -> None:
    assert embedded(tmp_path) == b""
    (tmp_path / "image").mkdir()
    (tmp_path / "image/Vagrantfile").write_bytes(b"# \xff\n")
    assert embedded(tmp_path) == b"# \xff\n"


def test_no_link_leads_out_of_the_tree(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    image = tmp_path / "root/image"
    image.mkdir(parents=True)
    (image / "Vagrantfile").symlink_to(tmp_path / "secret")
    assert embedded(tmp_path / "root") == b""
