# SPDX-License-Identifier: Apache-2.0
"""The steps from schema 8.0 to 8.5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.upgrade import edit

if TYPE_CHECKING:
    from lxml.etree import _Element


def drop_rpm_dir(root: _Element) -> None:
    """8.0 → 8.1: a folder of packages has no repository type."""
    for element in edit.elements(root, "repository"):
        if element.get("type") == "rpm-dir":
            del element.attrib["type"]


def drop_bootstrap_switch(root: _Element) -> None:
    """8.1 → 8.2."""
    edit.drop_attributes(root, "repository", "use_for_bootstrap")


def name_snapper_snapshot(root: _Element) -> None:
    """8.2 → 8.3: the snapshot is the one of snapper."""
    for element in edit.elements(root, "type"):
        value = element.attrib.pop("btrfs_root_is_snapshot", None)
        if value is not None:
            element.set("btrfs_root_is_snapper_snapshot", value)


def split_console(root: _Element) -> None:
    """8.3 → 8.4: ``OUT IN`` in one attribute become two; a single value is the output's."""
    for element in edit.elements(root, "bootloader"):
        names = (element.attrib.pop("console", None) or "").split()
        for name, value in zip(("output_console", "input_console"), names, strict=False):
            element.set(name, value)


def drop_vga(root: _Element) -> None:
    """8.4 → 8.5: the video mode is the bootloader's."""
    edit.drop_attributes(root, "type", "vga")


STEPS = (
    ("8.0", "8.1", drop_rpm_dir),
    ("8.1", "8.2", drop_bootstrap_switch),
    ("8.2", "8.3", name_snapper_snapshot),
    ("8.3", "8.4", split_console),
    ("8.4", "8.5", drop_vga),
)
