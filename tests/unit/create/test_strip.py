# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner.create.strip import strip_for_image
from runner.plan.model import TypePlan

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for name in ("image/sub", "dev/pts", "proc", "sys", "run/lock", "tmp", "etc/image", "var/cache/kiwi/packages"):
        (root / name).mkdir(parents=True)
    for name in (".kconfig", ".profile", ".buildenv", "image/config.xml", "tmp/x", "run/y", "etc/.profile"):
        (root / name).write_text("x")
    for folder in (root, root / "tmp", root / "dev", root / "var/cache"):
        os.utime(folder, (1000, 1000))
    return root


def names(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


BARE = {"dev", "proc", "sys", "run", "tmp", "etc", "etc/image", "etc/.profile", "var", "var/cache"}


@pytest.mark.parametrize("image", ["tbz", "ext4", "docker"])
def test_only_what_belongs_to_the_image_is_left(image: str, root: Path) -> None:
    strip_for_image(root, TypePlan(image=image))
    assert names(root) == BARE


def test_folders_keep_their_times(root: Path) -> None:
    strip_for_image(root, TypePlan(image="tbz"))
    assert {(root / name).stat().st_mtime for name in ("", "tmp", "dev", "var/cache")} == {1000}


def test_a_container_keeps_temporary_files_when_asked(root: Path) -> None:
    strip_for_image(root, TypePlan(image="oci", ensure_empty_tmpdirs=False))
    assert names(root) == BARE | {"tmp/x", "run/y", "run/lock"}


def test_the_attribute_means_nothing_to_other_types(root: Path) -> None:
    strip_for_image(root, TypePlan(image="tbz", ensure_empty_tmpdirs=False))
    assert names(root) == BARE


def test_links_are_not_followed_out_of_the_tree(tmp_path: Path) -> None:
    host = tmp_path / "host"
    (host / "kiwi").mkdir(parents=True)
    (host / "precious").write_text("x")
    root = tmp_path / "tree"
    (root / "var").mkdir(parents=True)
    (root / "var/cache").symlink_to(host)
    (root / "tmp").symlink_to(host)
    (root / "image").symlink_to(host)
    strip_for_image(root, TypePlan(image="tbz"))
    assert names(host) == {"kiwi", "precious"}
    assert names(root) == {"var", "var/cache", "tmp"}
