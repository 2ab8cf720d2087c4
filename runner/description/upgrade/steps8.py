# SPDX-License-Identifier: Apache-2.0
"""The steps from schema 8.0 to 8.5."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.upgrade import edit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from runner.description.upgrade.edit import Change


def drop_rpm_dir(root: _Element) -> Iterator[Change]:
    """8.0 → 8.1: a folder of packages has no repository type."""
    yield from edit.drop_values(root, "repository", "type", "rpm-dir")


def drop_bootstrap_switch(root: _Element) -> Iterator[Change]:
    """8.1 → 8.2."""
    yield from edit.drop_attributes(root, "repository", "use_for_bootstrap")


def name_snapper_snapshot(root: _Element) -> Iterator[Change]:
    """8.2 → 8.3: the snapshot is the one of snapper."""
    yield from edit.rename_attribute(root, "type", "btrfs_root_is_snapshot", "btrfs_root_is_snapper_snapshot")


def split_console(root: _Element) -> Iterator[Change]:
    """8.3 → 8.4: ``OUT IN`` in one attribute become two; a single value is the output's."""
    for element, value in edit.values(root, "bootloader", "console"):
        del element.attrib["console"]
        for name, part in zip(("output_console", "input_console"), value.split(), strict=False):
            element.set(name, part)
        yield edit.changed(element, f'console="{value}" split into output_console and input_console')


def drop_vga(root: _Element) -> Iterator[Change]:
    """8.4 → 8.5: the video mode is the bootloader's."""
    yield from edit.drop_attributes(root, "type", "vga")


STEPS = (
    ("8.0", "8.1", drop_rpm_dir),
    ("8.1", "8.2", drop_bootstrap_switch),
    ("8.2", "8.3", name_snapper_snapshot),
    ("8.3", "8.4", split_console),
    ("8.4", "8.5", drop_vga),
)
