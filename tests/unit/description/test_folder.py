# SPDX-License-Identifier: Apache-2.0
"""The digest of a folder, and the fence around it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from runner.description import load
from runner.description.folder import digest
from runner.errors import DescriptionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "checkout" / "image"
    (top / "root/etc").mkdir(parents=True)
    (top / "root/etc/motd").write_text("hello")
    (top / "root/link").symlink_to("/anywhere")
    (top / "config.sh").write_text("#!/bin/sh\n")
    return top


def chmod(folder: Path) -> None:
    (folder / "config.sh").chmod(0o755)


def rename(folder: Path) -> None:
    (folder / "root/etc/motd").rename(folder / "root/etc/issue")


def relink(folder: Path) -> None:
    (folder / "root/link").unlink()
    (folder / "root/link").symlink_to("/elsewhere")


CHANGES: list[Callable[[Path], object]] = [
    lambda folder: (folder / "root/etc/motd").write_text("other"),
    lambda folder: (folder / "root/etc/empty").touch(),
    lambda folder: (folder / "root/srv").mkdir(),
    lambda folder: (folder / "root/etc/motd").unlink(),
    chmod,
    rename,
    relink,
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_changes_the_digest(folder: Path, change: Callable[[Path], object]) -> None:
    before = digest(folder)
    change(folder)
    assert digest(folder) != before


def test_nothing_but_content_counts(folder: Path, tmp_path: Path) -> None:
    before = digest(folder)
    (folder / ".git").mkdir()
    (folder / ".git/HEAD").write_text("ref: x")
    (folder / "packhouse.lock.json").write_text("{}")
    (folder / "root/etc/motd").chmod(0o600)
    os.utime(folder / "config.sh", (0, 0))
    shutil.copytree(folder, tmp_path / "copy", symlinks=True)
    assert digest(folder) == digest(tmp_path / "copy") == before


def test_a_lock_deeper_down_is_content(folder: Path) -> None:
    before = digest(folder)
    (folder / "root/packhouse.lock.json").write_text("{}")
    assert digest(folder) != before


def test_a_linked_overlay_counts_with_its_content(folder: Path) -> None:
    checkout = folder.parent
    (checkout / "common").mkdir()
    (checkout / "common/a").write_text("1")
    (folder / "shared").symlink_to("../common")
    before = digest(folder, checkout)
    (checkout / "common/a").write_text("2")
    assert digest(folder, checkout) != before


def test_links_deeper_down_and_behind_links_count(folder: Path) -> None:
    checkout = folder.parent
    for name in ("one", "two"):
        (checkout / name).mkdir()
        (checkout / name / "a").write_text("1")
    (checkout / "file").write_text("1")
    (checkout / "one/to-two").symlink_to("../two")
    (folder / "root/etc/shared").symlink_to("../../../one")
    (folder / "root/etc/single").symlink_to("../../../file")
    seen = {digest(folder, checkout)}
    for name in ("one/a", "two/a", "file"):
        (checkout / name).write_text("2")
        seen.add(digest(folder, checkout))
    assert len(seen) == 4


def test_a_linked_folder_is_not_taken_for_our_own_files(folder: Path) -> None:
    (folder.parent / "z").mkdir()
    (folder / "z").symlink_to("../z")
    (folder.parent / "z/zz").write_text("1")
    behind = digest(folder, folder.parent)
    (folder.parent / "z/zz").rename(folder / "zz")
    assert digest(folder, folder.parent) != behind


def test_the_lock_does_not_count_though_a_link_leads_around_it(folder: Path) -> None:
    (folder / "shared").symlink_to("..")
    before = digest(folder, folder.parent)
    (folder / "packhouse.lock.json").write_text("{}")
    assert digest(folder, folder.parent) == before


def test_a_link_to_a_folder_around_it_ends(folder: Path) -> None:
    (folder / "shared").symlink_to("..")
    assert digest(folder, folder.parent)


def test_a_pipe_is_refused(folder: Path) -> None:
    os.mkfifo(folder / "root/pipe")
    with pytest.raises(DescriptionError, match="device, socket or pipe"):
        digest(folder)


@pytest.mark.parametrize(
    "body",
    [
        '<packages type="image"><archive name="../x.tar"/></packages>',
        '<packages type="image"><archive name="/etc/shadow"/></packages>',
        '<packages type="image"><file name="sub/../../x"/></packages>',
        '<packages type="image"><file name="out"/></packages>',
        '<repository><source path="this://../repo"/></repository>',
        '<repository><source path="mirror://x"><signing key="this://../k.asc"/></source></repository>',
    ],
)
def test_names_that_lead_out_are_refused_with_their_line(write: Callable[..., Path], body: str) -> None:
    folder = write("\n\n" + body)
    (folder / "out").symlink_to("/etc/hostname")
    with pytest.raises(DescriptionError, match=r"appliance\.kiwi:12 .* (outside|not a path inside)"):
        load(folder)


@pytest.mark.parametrize("name", ["root", "config.sh", "images.sh", "root.tar.gz", "tools"])
def test_pieces_that_are_links_out_are_refused(write: Callable[..., Path], tmp_path: Path, name: str) -> None:
    folder = write('<profiles><profile name="tools" description="t"/></profiles>')
    (folder / name).symlink_to("../elsewhere")
    with pytest.raises(DescriptionError, match="leads outside of the folder"):
        load(folder)
    assert load(folder, boundary=tmp_path).image.name == "test"
    (folder / name).unlink()
    (folder / name).symlink_to(name)
    with pytest.raises(DescriptionError, match="leads outside"):
        load(folder, boundary=tmp_path)


def test_links_inside_the_overlay_are_content(write: Callable[..., Path]) -> None:
    folder = write()
    (folder / "root/etc").mkdir(parents=True)
    (folder / "root/etc/localtime").symlink_to("/usr/share/zoneinfo/UTC")
    assert load(folder).image.name == "test"


def test_a_main_file_that_is_a_link_out_is_refused(write: Callable[..., Path], tmp_path: Path) -> None:
    folder = write()
    (folder / "appliance.kiwi").rename(tmp_path / "moved.kiwi")
    (folder / "appliance.kiwi").symlink_to("../moved.kiwi")
    with pytest.raises(DescriptionError, match="leads outside"):
        load(folder)
    assert load(folder, boundary=tmp_path).kiwi_file == "appliance.kiwi"
