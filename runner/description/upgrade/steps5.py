# SPDX-License-Identifier: Apache-2.0
"""The steps from schema 5.0 to 6.0: the descriptions of KIWI 5 to 7."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.upgrade import edit
from runner.description.upgrade.steps1 import nothing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

    from runner.description.upgrade.edit import Change


def drop_usb(root: _Element) -> Iterator[Change]:
    """5.1 → 5.2: there is no type for USB sticks; every disk and ISO fits on one."""
    for element, value in edit.values(root, "type", "image"):
        if value == "usb":
            yield edit.changed(element, 'type of image="usb" removed')
            edit.delete(element)


def split_boot_theme(root: _Element) -> Iterator[Change]:
    """5.4 → 5.5: splash screen and bootloader have themes of their own."""
    for element in edit.elements(root, "boot-theme"):
        yield edit.changed(element, "split into <bootsplash-theme> and <bootloader-theme>")
        parent = element.getparent()
        if parent is not None:
            twin = edit.add_child(parent, "bootloader-theme", text=(element.text or "").strip())
            twin.sourceline = element.sourceline  # type: ignore[misc]  # lxml lets us, its stubs do not
        element.tag = "bootsplash-theme"


def name_password(root: _Element) -> Iterator[Change]:
    """5.5 → 5.6."""
    yield from edit.rename_attribute(root, "user", "pwd", "password")


def join_collections(root: _Element) -> Iterator[Change]:
    """5.6 → 5.7: patterns and groups are collections."""
    for tag in ("opensusePattern", "rhelGroup"):
        yield from edit.rename_elements(root, tag, "namedCollection")


def name_lsilogic(root: _Element) -> Iterator[Change]:
    """5.8 → 5.9: the controller by its real name."""
    yield from edit.rename_values(root, "vmdisk", "controller", {"scsi": "lsilogic"})


def drop_alignment(root: _Element) -> Iterator[Change]:
    """5.9 → 6.0: partitions are always aligned."""
    yield from edit.delete_all(root, "oem-align-partition")


STEPS = (
    ("5.0", "5.1", nothing),
    ("5.1", "5.2", drop_usb),
    ("5.2", "5.3", nothing),
    ("5.3", "5.4", nothing),
    ("5.4", "5.5", split_boot_theme),
    ("5.5", "5.6", name_password),
    ("5.6", "5.7", join_collections),
    ("5.7", "5.8", nothing),
    ("5.8", "5.9", name_lsilogic),
    ("5.9", "6.0", drop_alignment),
)
