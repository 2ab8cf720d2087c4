# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING

import pytest

from runner.errors import BuildError, DescriptionError
from runner.prepare import overlay

if TYPE_CHECKING:
    from pathlib import Path

    from runner.prepare.origin import Origin
    from runner.prepare.step import Bench


def put(origin: Origin, name: str, text: str = "x", mode: int = 0o644) -> Path:
    path = origin.directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_no_overlay_is_fine(origin: Origin, bench: Bench) -> None:
    assert overlay.run(overlay.Inputs(origin), bench) is False


def test_merged_usr_is_honoured(origin: Origin, bench: Bench) -> None:
    put(origin, "root/lib/systemd/system/a.service", "unit")
    assert overlay.run(overlay.Inputs(origin), bench)
    assert (bench.root / "lib").is_symlink()
    assert (bench.root / "usr/lib/systemd/system/a.service").read_text() == "unit"


@pytest.mark.root
def test_new_belongs_to_root_and_directories_keep_their_owner(origin: Origin, bench: Bench) -> None:
    os.chown(put(origin, "root/etc/new"), 1234, 1234)
    os.chown(origin.directory / "root/etc", 1234, 1234)
    (bench.root / "etc/new").write_text("old")
    os.chown(bench.root / "etc/new", 7, 7)
    os.chown(bench.root / "etc", 8, 9)
    (bench.root / "etc").chmod(0o1777)
    overlay.run(overlay.Inputs(origin), bench)
    new, directory = (bench.root / "etc/new").stat(), (bench.root / "etc").stat()
    assert (new.st_uid, new.st_gid) == (0, 0)
    assert (directory.st_uid, directory.st_gid, directory.st_mode & 0o7777) == (8, 9, 0o1777)


def test_git_modes_do_not_depend_on_the_clone(origin: Origin, bench: Bench) -> None:
    put(origin, "root/etc/plain", mode=0o600)
    put(origin, "root/etc/tool", mode=0o711)
    overlay.run(overlay.Inputs(origin), bench)
    assert (bench.root / "etc/plain").stat().st_mode & 0o7777 == 0o644
    assert (bench.root / "etc/tool").stat().st_mode & 0o7777 == 0o755


def test_modes_on_disk_are_kept_without_git(origin: Origin, bench: Bench) -> None:
    put(origin, "root/etc/sudoers.d/a", mode=0o440)
    put(origin, "root/usr/lib/suid", mode=0o4755)
    (origin.directory / "root/etc/sudoers.d").chmod(0o750)
    overlay.run(overlay.Inputs(dataclasses.replace(origin, git_modes=False)), bench)
    assert (bench.root / "etc/sudoers.d/a").stat().st_mode & 0o7777 == 0o440
    assert (bench.root / "etc/sudoers.d").stat().st_mode & 0o7777 == 0o750
    assert (bench.root / "usr/lib/suid").stat().st_mode & 0o7777 == 0o4755


def test_hard_links_links_and_xattrs_are_kept(origin: Origin, bench: Bench) -> None:
    first = put(origin, "root/etc/first")
    os.setxattr(first, "user.note", b"kept")
    os.link(first, origin.directory / "root/etc/second")
    (origin.directory / "root/etc/link").symlink_to("./no//where")
    overlay.run(overlay.Inputs(origin), bench)
    etc = bench.root / "etc"
    assert (etc / "first").stat().st_ino == (etc / "second").stat().st_ino
    assert (etc / "first").stat().st_nlink == 2
    assert os.getxattr(etc / "second", "user.note") == b"kept"
    assert os.readlink(etc / "link") == "./no//where"  # noqa: PTH115


def test_times_are_the_epoch(origin: Origin, bench: Bench) -> None:
    put(origin, "root/opt/x/file")
    (origin.directory / "root/opt/x/link").symlink_to("file")
    overlay.run(overlay.Inputs(origin), bench)
    for name in ("opt", "opt/x", "opt/x/file", "opt/x/link"):
        assert (bench.root / name).lstat().st_mtime == bench.epoch, name


def test_a_file_replaces_a_link_and_does_not_write_through_it(
    origin: Origin, bench: Bench, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("host")
    (bench.root / "etc/resolv.conf").symlink_to(victim)
    put(origin, "root/etc/resolv.conf", "overlay")
    overlay.run(overlay.Inputs(origin), bench)
    assert victim.read_text() == "host"
    assert not (bench.root / "etc/resolv.conf").is_symlink()


def test_a_link_to_an_absolute_directory_stays_in_the_tree(origin: Origin, bench: Bench, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (bench.root / "srv").symlink_to(outside)
    put(origin, "root/srv/file")
    overlay.run(overlay.Inputs(origin), bench)
    assert list(outside.iterdir()) == []


def test_a_link_cannot_replace_a_full_directory(origin: Origin, bench: Bench) -> None:
    (bench.root / "etc/full").mkdir()
    (bench.root / "etc/full/x").write_text("")
    put(origin, "root/etc/x")
    (origin.directory / "root/etc/full").symlink_to("elsewhere")
    with pytest.raises(BuildError, match="/etc/full cannot be replaced"):
        overlay.run(overlay.Inputs(origin), bench)


def test_special_files_are_refused(origin: Origin, bench: Bench) -> None:
    put(origin, "root/etc/x")
    os.mkfifo(origin.directory / "root/etc/pipe")
    with pytest.raises(DescriptionError, match="files, directories and links only") as caught:
        overlay.run(overlay.Inputs(origin), bench)
    assert str(caught.value.where).endswith("root/etc/pipe")


def test_the_overlay_itself_may_not_lie_outside_of_the_checkout(origin: Origin, bench: Bench) -> None:
    (origin.directory / "root").symlink_to("/etc")
    with pytest.raises(DescriptionError, match="outside of the repository"):
        overlay.run(overlay.Inputs(origin), bench)
