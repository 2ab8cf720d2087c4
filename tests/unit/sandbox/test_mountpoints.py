# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from runner.errors import BuildError
from runner.sandbox.api import Bind, Command
from runner.sandbox.mountpoints import mount_points

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    root.mkdir()
    return root


@pytest.fixture
def tight_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def command(root: Path, *binds: Bind) -> Command:
    return Command(root=root, argv=("true",), binds=binds)


def names(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


@pytest.mark.usefixtures("tight_umask")
def test_top_folders_are_made_with_their_modes_and_stay(root: Path) -> None:
    with mount_points(command(root)):
        pass
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in root.iterdir()}
    assert modes == {"dev": 0o755, "proc": 0o755, "run": 0o755, "sys": 0o755, "tmp": 0o1777}


def test_mount_points_are_there_inside_and_gone_after(root: Path, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    (root / "srv").mkdir()
    with mount_points(command(root, Bind(tmp_path, "/srv/a/b"), Bind(file, "/srv/a/c"))):
        assert (root / "srv/a/b").is_dir()
        assert (root / "srv/a/c").is_file()
    assert names(root) == {"dev", "proc", "run", "srv", "sys", "tmp"}


def test_what_the_tree_has_stays(root: Path, tmp_path: Path) -> None:
    (root / "srv").mkdir()
    with mount_points(command(root, Bind(tmp_path, "/srv"))):
        pass
    assert (root / "srv").is_dir()


def test_a_mount_point_that_came_into_use_stays(root: Path, tmp_path: Path) -> None:
    with mount_points(command(root, Bind(tmp_path, "/srv/a"))):
        (root / "srv/kept").touch()
    assert (root / "srv/kept").exists()
    assert not (root / "srv/a").exists()


@pytest.mark.parametrize(
    "target", ["srv", "/", "/srv/../../etc", "/link", "/link/below", "/plain/below", "/plain"]
)
def test_refused_targets_leave_nothing_behind(root: Path, tmp_path: Path, target: str) -> None:
    (root / "link").symlink_to("/etc")
    (root / "plain").touch()
    with mount_points(command(root)):
        before = names(root)
    with (
        pytest.raises(BuildError, match="nothing can be shown"),
        mount_points(command(root, Bind(tmp_path, "/made/first"), Bind(tmp_path, target))),
    ):
        pytest.fail("the block must not run")
    assert names(root) == before


@pytest.mark.parametrize("name", ["dev", "proc"])
def test_a_link_in_place_of_a_kernel_folder_is_refused(root: Path, name: str) -> None:
    (root / name).symlink_to("/etc")
    with pytest.raises(BuildError, match=f"/{name}"), mount_points(command(root)):
        pytest.fail("the block must not run")
