# SPDX-License-Identifier: Apache-2.0
"""The steps from schema 7.0 to 8.0."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.description.upgrade import edit

if TYPE_CHECKING:
    from lxml.etree import _Element

_BOOTLOADER = {
    "bootloader": "name",
    "bootloader_console": "console",
    "boottimeout": "timeout",
    "zipl_targettype": "targettype",
}


def drop_foreign_repositories(root: _Element) -> None:
    """7.0 → 7.1: repository types nobody serves any more."""
    for element in edit.elements(root, "repository"):
        if element.get("type") in {"red-carpet", "slack-site", "up2date-mirrors", "urpmi", "yast2"}:
            del element.attrib["type"]


def nest_bootloader(root: _Element) -> None:
    """7.1 → 7.2: bootloader attributes of a type become an element, when a bootloader is named."""
    for element in edit.elements(root, "type"):
        values = {new: element.attrib.pop(old) for old, new in _BOOTLOADER.items() if old in element.attrib}
        if "name" in values:
            edit.add_child(element, "bootloader", values)


def turn_vmx_into_oem(root: _Element) -> None:
    """7.2 → 7.3: a static disk is a disk that does not resize itself."""
    for element in edit.elements(root, "type"):
        if element.get("image") == "vmx":
            element.set("image", "oem")
            config = edit.find_or_add(element, "oemconfig")
            edit.delete_all(config, "oem-resize")
            edit.add_child(config, "oem-resize", text="false")


def rename_old_managers(root: _Element) -> None:
    """7.3 → 7.4: package managers by the names of today."""
    edit.rename_text(root, "packagemanager", {"apt-get": "apt", "yum": "dnf"})


def turn_tags_into_names(root: _Element) -> None:
    """7.4 → 7.5: additional tags ``a,b`` are the names ``:a,:b``."""
    for element in edit.elements(root, "containerconfig"):
        tags = element.attrib.pop("additionaltags", None)
        if tags is not None:
            element.set("additionalnames", ",".join(f":{tag.strip()}" for tag in tags.split(",") if tag.strip()))


def name_dnf4(root: _Element) -> None:
    """7.5 → 7.6: dnf has two generations."""
    edit.rename_text(root, "packagemanager", {"dnf": "dnf4"})


def nothing(root: _Element) -> None:
    """7.6 → 8.0: a new number only."""


STEPS = (
    ("7.0", "7.1", drop_foreign_repositories),
    ("7.1", "7.2", nest_bootloader),
    ("7.2", "7.3", turn_vmx_into_oem),
    ("7.3", "7.4", rename_old_managers),
    ("7.4", "7.5", turn_tags_into_names),
    ("7.5", "7.6", name_dnf4),
    ("7.6", "8.0", nothing),
)
