# SPDX-License-Identifier: Apache-2.0
"""What ``image/exclude_files.yaml`` names is not in the result, and nothing else is touched."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner.create.exclude import NAME, leave_out
from runner.errors import DescriptionError

if TYPE_CHECKING:
    from pathlib import Path

FILES = ("usr/share/doc/a/copyright", "usr/share/doc/b/copyright", "usr/lib/x.so", "usr/lib/x.a", "etc/hosts")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x")
    (root / "image").mkdir()
    (root / "lib").symlink_to("usr/lib")
    for folder in root.rglob("*"):
        os.utime(folder, (1000, 1000), follow_symlinks=False)
    return root


def left(root: Path, text: str) -> set[str]:
    (root / NAME).write_text(text)
    leave_out(root)
    return {name for name in FILES if (root / name).exists()}


@pytest.mark.parametrize(
    ("pattern", "gone"),
    [
        ("usr/share/doc/a", {"usr/share/doc/a/copyright"}),
        ("/usr/share/doc/*/", {"usr/share/doc/a/copyright", "usr/share/doc/b/copyright"}),
        ("usr/lib/x.[a-b]", {"usr/lib/x.a"}),
        ("lib/x.??", {"usr/lib/x.so"}),
        ("usr/*", set(FILES) - {"etc/hosts"}),
        ("*.so", set()),
        ("nowhere/*/at/all", set()),
    ],
)
def test_what_is_named_goes(root: Path, pattern: str, gone: set[str]) -> None:
    assert left(root, f"exclude:\n  - '{pattern}'\n") == set(FILES) - gone
    assert {(root / name).stat().st_mtime for name in ("usr", "etc")} == {1000}


def test_a_link_goes_and_not_what_it_leads_to(root: Path, tmp_path: Path) -> None:
    (tmp_path / "host").mkdir()
    (tmp_path / "host/precious").write_text("x")
    (root / "out").symlink_to(tmp_path / "host")
    assert left(root, "exclude: [lib, out, out/precious]\n") == set(FILES)
    assert not os.path.lexists(root / "lib")
    assert (tmp_path / "host/precious").exists()


def test_without_a_list_nothing_goes(root: Path) -> None:
    leave_out(root)
    assert all((root / name).exists() for name in FILES)


def test_a_list_that_is_a_link_is_read_inside_the_tree_only(root: Path, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("exclude: [etc]\n")
    (root / NAME).symlink_to(tmp_path / "list")
    leave_out(root)
    assert (root / "etc/hosts").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "exclude: etc\n",
        "exclude: [1]\n",
        "exlude: [etc]\n",
        "exclude: [\n",
        "exclude: ['/']\n",
        "exclude: ['']\n",
        "exclude: ['../x']\n",
        "exclude: [etc/./x]\n",
        "exclude: !!python/object/apply:os.system [id]\n",
        "\x00",
        "[" * 5000,
        "#" * (1 << 20) + "\n",
    ],
)
def test_a_wrong_list_is_one_error(root: Path, text: str) -> None:
    with pytest.raises(DescriptionError, match="leave out") as caught:
        left(root, text)
    assert NAME in str(caught.value)
    assert all((root / name).exists() for name in FILES)
