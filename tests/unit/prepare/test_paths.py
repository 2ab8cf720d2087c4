# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from runner.errors import BuildError
from runner.prepare.paths import TreePaths

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "usr/lib").mkdir(parents=True)
    (root / "run").mkdir()
    (root / "var").mkdir()
    (root / "lib").symlink_to("usr/lib")
    (root / "var/run").symlink_to("/run")
    (root / "up").symlink_to("../../../../usr")
    return root


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/lib/systemd", "usr/lib/systemd"),
        ("lib", "usr/lib"),
        ("/var/run/x", "run/x"),
        ("/../../etc", "etc"),
        ("/up/lib/x", "usr/lib/x"),
        ("/var/./run//x/../y", "run/y"),
        ("/", "."),
    ],
)
def test_links_are_followed_inside_the_tree(tree: Path, path: str, expected: str) -> None:
    assert TreePaths(tree).resolve(path) == tree / expected


@pytest.mark.root
@pytest.mark.parametrize("path", ["/lib", "/var/run", "/up/lib", "/var/run/../usr"])
def test_agrees_with_the_kernel_in_a_chroot(tree: Path, path: str) -> None:
    def inode() -> tuple[int, int]:
        pid = os.fork()
        if pid == 0:
            os.chroot(tree)
            info = os.stat(path)  # noqa: PTH116
            answer = os.open("/run/answer", os.O_CREAT | os.O_WRONLY)
            os.write(answer, f"{info.st_dev} {info.st_ino}".encode())
            os._exit(0)
        os.waitpid(pid, 0)
        device, number = (tree / "run/answer").read_text().split()
        return int(device), int(number)

    info = TreePaths(tree).resolve(path).stat()
    assert (info.st_dev, info.st_ino) == inode()


def test_last_link_can_be_left(tree: Path) -> None:
    assert TreePaths(tree).resolve("/var/run", follow_last=False) == tree / "var/run"


def test_a_loop_is_one_clear_error(tree: Path) -> None:
    (tree / "a").symlink_to("b")
    (tree / "b").symlink_to("a")
    with pytest.raises(BuildError, match="too many symbolic links"):
        TreePaths(tree).resolve("/a/x")


def test_write_lands_in_the_tree_not_on_the_host(tree: Path, tmp_path: Path) -> None:
    host = tmp_path / "host"
    host.mkdir()
    (host / "secret").write_text("host")
    (tree / "out").symlink_to(host)
    TreePaths(tree).write("/out/secret", b"tree")
    assert (host / "secret").read_text() == "host"
    assert (tree / str(host).lstrip("/") / "secret").read_bytes() == b"tree"


def test_modes_do_not_depend_on_the_umask(tree: Path) -> None:
    old = os.umask(0o077)
    try:
        written = TreePaths(tree).write("/etc/deep/file", b"")
    finally:
        os.umask(old)
    assert oct(written.stat().st_mode & 0o7777) == "0o644"
    assert oct(written.parent.stat().st_mode & 0o7777) == "0o755"


def test_a_dot_file_at_the_top_keeps_its_dot(tree: Path) -> None:
    assert TreePaths(tree).write("/.profile", b"x") == tree / ".profile"
    assert TreePaths(tree).inside(tree / ".profile") == "/.profile"
    assert TreePaths(tree).inside(tree) == "/"


def test_a_file_in_the_way_of_a_parent_is_an_error(tree: Path) -> None:
    (tree / "file").write_text("")
    with pytest.raises(BuildError, match="/file in the tree is not a directory"):
        TreePaths(tree).write("/file/below", b"")


def test_a_directory_with_content_is_not_replaced(tree: Path) -> None:
    with pytest.raises(BuildError, match="/usr cannot be replaced"):
        TreePaths(tree).make_room("/usr")


def test_remove(tree: Path) -> None:
    (tree / "usr/lib/x").write_text("")
    TreePaths(tree).remove("/lib")
    assert (tree / "usr/lib/x").exists()
    TreePaths(tree).remove("/usr")
    TreePaths(tree).remove("/usr")
    assert not (tree / "usr").exists()
    with pytest.raises(BuildError):
        TreePaths(tree).remove("/")
