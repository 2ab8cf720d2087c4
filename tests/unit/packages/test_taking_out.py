# SPDX-License-Identifier: Apache-2.0
"""What the installation put into a tree is taken out of that tree alone, wherever packages have led its paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.packages.apt.installation import _NO_SERVICE, _take_ours_out
from runner.prepare.paths import TreePaths

if TYPE_CHECKING:
    from pathlib import Path


def test_links_out_of_the_tree_are_not_followed(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "tree"
    for folder in (outside / "packhouse", outside / "sbin", root / "usr"):
        folder.mkdir(parents=True)
    (outside / "packhouse/precious").write_text("stays")
    (outside / "sbin/policy-rc.d").write_bytes(_NO_SERVICE)
    (root / "run").symlink_to(outside)
    (root / "usr/sbin").symlink_to("../../outside/sbin")
    _take_ours_out(TreePaths(root))
    assert (outside / "packhouse/precious").read_text() == "stays"
    assert (outside / "sbin/policy-rc.d").read_bytes() == _NO_SERVICE


def test_ours_goes_and_a_package_s_own_policy_stays(tmp_path: Path) -> None:
    paths = TreePaths(tmp_path)
    paths.write("/run/packhouse/packages/x.deb", b"")
    paths.write("/usr/sbin/policy-rc.d", _NO_SERVICE)
    _take_ours_out(paths)
    assert not paths.exists("/run/packhouse")
    assert not paths.exists("/usr/sbin/policy-rc.d")
    paths.write("/usr/sbin/policy-rc.d", b"theirs")
    _take_ours_out(paths)
    assert (tmp_path / "usr/sbin/policy-rc.d").read_bytes() == b"theirs"
