# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.create.package_list import package_list
from runner.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path

STATUS = """\
Package: zlib1g
Status: install ok installed
Architecture: amd64
Multi-Arch: same
Version: 1:1.2.13.dfsg-1

Package: bash
Essential: yes
Status: install ok installed
Architecture: amd64
Version: 5.2.15-2+b7
Description: a shell
 Version: of a continued line

Package: held
Status: hold ok installed
Architecture: all
Version: 2

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1
"""


def tree(root: Path, status: str) -> Path:
    (root / "var/lib/dpkg").mkdir(parents=True)
    (root / "var/lib/dpkg/status").write_text(status)
    return root


def test_seven_fields_sorted_with_a_final_line_end(tmp_path: Path) -> None:
    assert package_list(tree(tmp_path, STATUS)) == (
        "bash|None|5.2.15-2+b7|None|amd64|None|None\n"
        "held|None|2|None|all|None|None\n"
        "zlib1g|None|1:1.2.13.dfsg-1|None|amd64|None|None\n"
    )


def test_a_tree_without_packages_has_no_list(tmp_path: Path) -> None:
    assert package_list(tmp_path) is None


def test_a_database_outside_of_the_tree_is_refused(tmp_path: Path) -> None:
    outside = tree(tmp_path / "host", STATUS)
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/var").symlink_to(outside / "var")
    with pytest.raises(BuildError, match="outside"):
        package_list(tmp_path / "tree")


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="damaged") as caught:
        package_list(tree(tmp_path, "Package: a\nStatus: install ok installed\nVersion: 1\n"))
    assert caught.value.why == "package a has no field 'Architecture'"
