# SPDX-License-Identifier: Apache-2.0
"""GRUB's menu, dressed in a theme of the image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.bootloader.facts import BootFacts
from runner.bootloader.grub_config import grub_config
from runner.bootloader.grub_theme import HOME, Theme, find_theme, install_theme
from runner.disk.identity import identify
from runner.errors import BuildError
from runner.plan.boot import BootloaderPlan, BootPlan
from runner.plan.disk import DiskPlan
from runner.plan.partitions import PartitionPlan
from runner.seed import Seed

if TYPE_CHECKING:
    from pathlib import Path


def facts(*output: str) -> BootFacts:
    root = PartitionPlan(role="root", name="root", partition_name="r", filesystem="ext4", mountpoint="/")
    return BootFacts(
        identity=identify(DiskPlan(table="gpt", partitions=(root,)), arch="x86_64", seed=Seed(bytes(32))),
        boot=BootPlan(loader=BootloaderPlan(theme="starfield", output=output)),
        arch="x86_64",
        kernels=(),
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    theme = tmp_path / "usr/share/grub/themes/starfield"
    theme.mkdir(parents=True)
    for name in ("theme.txt", "b.pf2", "a.pf2", "star.png"):
        (theme / name).write_text(name)
    return tmp_path


def test_a_theme_of_the_image_goes_to_grub(root: Path) -> None:
    install_theme(root, "starfield")
    assert find_theme(root / HOME / "starfield") == Theme(name="starfield", fonts=("a.pf2", "b.pf2"))
    (root / HOME / "starfield/theme.txt").write_text("changed")
    install_theme(root, "starfield")
    assert (root / HOME / "starfield/theme.txt").read_text() == "changed"


def test_a_graphical_menu_wears_it() -> None:
    text = grub_config(facts("gfxterm", "serial"), Theme(name="starfield", fonts=("a.pf2",)))
    inside = text.partition("terminal_output gfxterm serial\n")[2].partition("else")[0]
    assert "loadfont $prefix/themes/starfield/a.pf2\n" in inside
    assert "set theme=$prefix/themes/starfield/theme.txt\n" in inside


@pytest.mark.parametrize(("output", "theme"), [("console", Theme(name="x")), ("gfxterm", None)])
def test_other_menus_do_not(output: str, theme: Theme | None) -> None:
    assert "theme" not in grub_config(facts(output), theme)


def test_a_theme_that_is_not_there_is_no_fault(root: Path) -> None:
    install_theme(root, "")
    install_theme(root, "breeze")
    assert find_theme(root / HOME / "breeze") is None


def test_a_link_is_no_theme(root: Path) -> None:
    (root / "usr/share/grub/themes/link").symlink_to("/etc")
    install_theme(root, "link")
    assert not (root / HOME).exists()


@pytest.mark.parametrize("name", ["..", "../../etc", "a/b", ".hidden", "a b"])
def test_no_name_leads_out_of_the_folder_of_themes(root: Path, name: str) -> None:
    with pytest.raises(BuildError, match="no theme can be called"):
        install_theme(root, name)
